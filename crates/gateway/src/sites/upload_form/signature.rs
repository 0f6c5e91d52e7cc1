//! Who signed a form.

use auth::{FormSignature, FormVersion};
use service::Failure;
use wire::Protocol;

use super::{Fields, missing};
use crate::Gateway;
use crate::credential::Credential;
use crate::identity::{self, Identity};
use crate::request::Request;

const FOUR: &str = "AWS4-HMAC-SHA256";
/// Fields that prove who signed, and their names in errors.
const PROOF_FOUR: [(&str, &str); 4] = [
    ("x-amz-algorithm", "X-Amz-Algorithm"),
    ("x-amz-credential", "X-Amz-Credential"),
    ("x-amz-signature", "X-Amz-Signature"),
    ("x-amz-date", "X-Amz-Date"),
];
const PROOF_TWO: [(&str, &str); 2] = [("awsaccesskeyid", "AWSAccessKeyId"), ("signature", "Signature")];

/// Whether a field proves who signed and says nothing of the object.
pub(super) fn is_proof(name: &str) -> bool {
    name == "x-amz-security-token" || PROOF_FOUR.iter().any(|(its, _)| *its == name)
}

/// Whoever signed the form's policy; without a signature, nobody.
pub(super) async fn verify(
    gateway: &Gateway,
    request: &Request,
    fields: &Fields,
) -> Result<Identity, Failure> {
    let given = |proof: &[(&str, &str)]| proof.iter().any(|(name, _)| fields.get(name).is_some());
    let (is_four, is_two) = (given(&PROOF_FOUR), given(&PROOF_TWO));
    if !is_four && !is_two {
        return Ok(gateway.anonymous(request));
    }
    let field = |(name, shown): (&str, &str)| fields.get(name).ok_or_else(|| missing(shown));
    let policy = field(("policy", "Policy"))?;
    if !is_four {
        let access_key_id = field(PROOF_TWO[0])?.to_owned();
        let signed = FormSignature { policy, signature: field(PROOF_TWO[1])?, version: FormVersion::Two };
        let credential =
            Credential { access_key_id, region: "us-east-1".to_owned(), service: "s3".to_owned() };
        return identified(gateway, request, &credential, fields, signed).await;
    }
    let [algorithm, scope, signature, _] = {
        let mut found = [""; 4];
        for (place, proof) in found.iter_mut().zip(PROOF_FOUR) {
            *place = field(proof)?;
        }
        found
    };
    let wrong = |name: &str, value: &str, text: &str| {
        let members = [("ArgumentName", name.to_owned()), ("ArgumentValue", value.to_owned())];
        super::refused("InvalidArgument", text, members)
    };
    if algorithm != FOUR {
        return Err(wrong(
            "X-Amz-Algorithm",
            algorithm,
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
        ));
    }
    let parts: Vec<&str> = scope.rsplitn(5, '/').collect();
    let [_, service, region, date, access_key_id] = parts[..] else {
        let text =
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
        return Err(wrong("X-Amz-Credential", scope, text));
    };
    let version = FormVersion::Four { date, region, service };
    let credential = Credential {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    };
    identified(gateway, request, &credential, fields, FormSignature { policy, signature, version }).await
}

async fn identified(
    gateway: &Gateway,
    request: &Request,
    credential: &Credential,
    fields: &Fields,
    signed: FormSignature<'_>,
) -> Result<Identity, Failure> {
    let token = fields.get("x-amz-security-token").map(str::to_owned);
    let found = gateway.identify_form(request, credential, token, signed).await;
    found.map_err(|refused| identity::refused(refused, "s3", Protocol::RestXml))
}
