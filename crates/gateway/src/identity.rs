//! Whose request it is: account, region and principal, with the signature checked where there is something to
//! check it with.

use std::sync::Arc;

use auth::{
    Claim, Dialect, FormSignature, KeyOwner, Session, SessionDetail, SessionKind, SignatureError,
    SignedRequest, Version2Claim, Version2Request,
};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use ring::digest;
use service::{AccountId, Caller, CallerSession, Failure, Mode, Principal, Region, Scope};
use wire::Protocol;

use crate::Gateway;
use crate::credential::Credential;
use crate::identify;
use crate::request::{Request, header, header_named, parameters};

pub(crate) struct Identity {
    pub(crate) scope: Scope,
    pub(crate) caller: Caller,
    /// `None` where no signature was checked.
    pub(crate) proof: Option<Proof>,
}

/// A signature that was verified, for what it signs beyond the request's head.
pub(crate) struct Proof {
    pub(crate) claim: Claim,
    pub(crate) secret: String,
}

/// What the signature covers.
pub(crate) enum Payload<'a> {
    Whole(&'a Bytes),
    /// It is read later and checks itself.
    Stream,
}

/// Whether the operation may be called without a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsigned {
    Allowed,
    Refused,
}

impl Gateway {
    /// Keys that are known here are verified, whoever asks: long-lived ones of IAM, and the short-lived ones that this
    /// installation issued. In development any other key is accepted and means its account if it has twelve digits,
    /// else the default one.
    pub(crate) async fn identify(
        &self,
        request: &Request,
        credential: Option<&Credential>,
        payload: Payload<'_>,
        unsigned: Unsigned,
    ) -> Result<Identity, Refused> {
        if let Some(algorithm) = auth::unsupported_algorithm(request.headers(), request.query()) {
            return Err(SignatureError::Algorithm(algorithm).into());
        }
        let mode = self.platform().mode();
        let Some(credential) = credential else {
            if mode == Mode::Secure {
                // What is no credential may still be a signature, cut short.
                auth::claim(request.headers(), request.query())?;
            }
            let account = AccountId::default();
            let principal = match (mode, unsigned) {
                (Mode::Dev, Unsigned::Refused) => Principal::Root { account },
                (_, Unsigned::Allowed) => Principal::Anonymous { account },
                (Mode::Secure, Unsigned::Refused) => return Err(SignatureError::Missing.into()),
            };
            return Ok(identity(request, None, principal, Region::default()));
        };
        if let Some(known) = self.known(credential, session_token(request)).await? {
            let proof = self.verified(request, credential, &known, payload)?;
            let region = Region::parse(&credential.region).ok_or_else(region_unknown)?;
            let mut found =
                identity(request, Some(credential.access_key_id.clone()), known.principal, region);
            found.caller.session = known.session.map(Arc::new);
            return Ok(Identity { proof, ..found });
        }
        if mode == Mode::Secure {
            return Err(SignatureError::UnknownKey.into());
        }
        let account = AccountId::parse(&credential.access_key_id).unwrap_or_default();
        let region = Region::parse(&credential.region).unwrap_or_default();
        let key = Some(credential.access_key_id.clone());
        Ok(identity(request, key, Principal::Root { account }, region))
    }

    /// Whoever does not sign where nobody needs to.
    pub(crate) fn anonymous(&self, request: &Request) -> Identity {
        let account = AccountId::default();
        let principal = match self.platform().mode() {
            Mode::Dev => Principal::Root { account },
            Mode::Secure => Principal::Anonymous { account },
        };
        identity(request, None, principal, Region::default())
    }

    /// [`Gateway::identify`] for a form, which carries its signature among its fields.
    pub(crate) async fn identify_form(
        &self,
        request: &Request,
        credential: &Credential,
        token: Option<String>,
        signed: FormSignature<'_>,
    ) -> Result<Identity, Refused> {
        if credential.service != "s3" {
            return Err(SignatureError::WrongService { expected: "s3".to_owned() }.into());
        }
        let key = Some(credential.access_key_id.clone());
        if let Some(known) = self.known(credential, token).await? {
            signed.verify(&known.secret, &self.shared.signing_keys)?;
            let region = Region::parse(&credential.region).ok_or_else(region_unknown)?;
            let mut found = identity(request, key, known.principal, region);
            found.caller.session = known.session.map(Arc::new);
            return Ok(found);
        }
        if self.platform().mode() == Mode::Secure {
            return Err(SignatureError::UnknownKey.into());
        }
        let account = AccountId::parse(&credential.access_key_id).unwrap_or_default();
        let region = Region::parse(&credential.region).unwrap_or_default();
        Ok(identity(request, key, Principal::Root { account }, region))
    }

    /// Who a key belongs to; `None` when nobody here knows it.
    async fn known(&self, credential: &Credential, token: Option<String>) -> Result<Option<Known>, Refused> {
        let id = credential.access_key_id.as_str();
        let now_epoch_millis = self.platform().clock().now().epoch_millis();
        if self.issuer().is_ours(id) {
            let token = token.ok_or(SignatureError::UnknownKey)?;
            let (session, secret) = self.issuer().read(id, &token, now_epoch_millis)?;
            let detail = session.detail.clone();
            let principal = principal(session)?;
            return Ok(Some(Known { principal, session: Some(caller_session(detail)), secret }));
        }
        let identities = &self.shared.parts.identities;
        let Some(key) = identities.access_key(id).await? else { return Ok(None) };
        if !key.active {
            return Err(SignatureError::UnknownKey.into());
        }
        identities.note_use(id, &credential.region, &credential.service, now_epoch_millis);
        let account = AccountId::parse(&key.account).ok_or(SignatureError::UnknownKey)?;
        let principal = match key.owner.clone() {
            KeyOwner::Root => Principal::Root { account },
            KeyOwner::User { name, path, unique_id } => Principal::User { account, name, unique_id, path },
        };
        Ok(Some(Known { principal, session: None, secret: key.secret_access_key.clone() }))
    }

    /// Checks the signature; `None` where it says nothing about the body (presigned queries of version 2).
    fn verified(
        &self,
        request: &Request,
        credential: &Credential,
        known: &Known,
        payload: Payload<'_>,
    ) -> Result<Option<Proof>, SignatureError> {
        let now_epoch_millis = self.platform().clock().now().epoch_millis();
        if let Some(claim) = Version2Claim::from_query(request.query())?
            && !request.headers().contains_key(AUTHORIZATION)
        {
            let signed = Version2Request {
                method: request.method().as_str(),
                path: request.path(),
                bucket_in_host: identify::bucket_of_host(request.host()),
                query: request.query(),
                headers: request.headers(),
            };
            claim.verify(&signed, &known.secret, now_epoch_millis)?;
            return Ok(None);
        }
        let claim = auth::claim(request.headers(), request.query())?.ok_or(SignatureError::UnknownKey)?;
        // Both were read from the same text, by rules of their own.
        if claim.access_key_id() != credential.access_key_id || claim.service() != credential.service {
            return Err(SignatureError::Mismatch);
        }
        let body_sha256_hex = match payload {
            Payload::Whole(bytes) if claim.signs_body_hash() => {
                Some(hex::encode(digest::digest(&digest::SHA256, bytes)))
            }
            Payload::Whole(_) | Payload::Stream => None,
        };
        let signed = SignedRequest {
            method: request.method().as_str(),
            path: request.path(),
            query: request.query(),
            headers: request.headers(),
            body_sha256_hex: body_sha256_hex.as_deref(),
        };
        auth::verify_with_keys(&claim, &signed, &known.secret, now_epoch_millis, &self.shared.signing_keys)?;
        Ok(Some(Proof { claim, secret: known.secret.clone() }))
    }
}

/// A key and who it belongs to.
struct Known {
    principal: Principal,
    session: Option<CallerSession>,
    secret: String,
}

/// Why nobody is let in.
pub(crate) enum Refused {
    Signature(SignatureError),
    /// Nothing the client could help.
    Internal(anyhow::Error),
}

impl From<SignatureError> for Refused {
    fn from(error: SignatureError) -> Self {
        Refused::Signature(error)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(cause: anyhow::Error) -> Self {
        Refused::Internal(cause)
    }
}

/// The failure as clients of the protocol know it.
pub(crate) fn refused(refused: Refused, service: &str, protocol: Protocol) -> Failure {
    let error = match refused {
        Refused::Signature(error) => error,
        Refused::Internal(cause) => return cause.into(),
    };
    let dialect = match protocol {
        Protocol::RestXml if service == "s3" || service == "s3control" => Dialect::S3,
        Protocol::Query | Protocol::Ec2Query | Protocol::RestXml => Dialect::Query,
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson | Protocol::RpcV2Cbor => Dialect::Json,
    };
    Failure::new(error.code(dialect), error.status(dialect), error.text(dialect))
}

/// The signature must be made for the service that answers: one made for another service must not be of use here.
pub(crate) fn check_scope(identity: &Identity, signing_name: &str) -> Result<(), SignatureError> {
    match &identity.proof {
        Some(proof) if proof.claim.service() != signing_name => {
            Err(SignatureError::WrongService { expected: signing_name.to_owned() })
        }
        _ => Ok(()),
    }
}

fn region_unknown() -> SignatureError {
    SignatureError::Incomplete("Credential should be scoped to a valid region.".into())
}

/// From the header or from a presigned query of either version.
fn session_token(request: &Request) -> Option<String> {
    let header = header_named(request.headers(), "x-amz-security-token");
    if !header.is_empty() {
        return Some(header.to_owned());
    }
    parameters(request.query())
        .find_map(|(name, value)| name.eq_ignore_ascii_case("x-amz-security-token").then_some(value))
}

fn identity(
    request: &Request,
    access_key_id: Option<String>,
    principal: Principal,
    region: Region,
) -> Identity {
    let user_agent = header(request.headers(), &http::header::USER_AGENT);
    Identity {
        scope: Scope { account: principal.account().clone(), region },
        caller: Caller {
            principal,
            access_key_id,
            source_address: request.peer.address,
            user_agent: (!user_agent.is_empty()).then(|| user_agent.to_owned()),
            session: None,
            is_encrypted: request.peer.is_encrypted,
        },
        proof: None,
    }
}

fn principal(session: Session) -> Result<Principal, SignatureError> {
    let account = AccountId::parse(&session.account).ok_or(SignatureError::UnknownKey)?;
    Ok(match session.kind {
        SessionKind::Root => Principal::Root { account },
        SessionKind::User { name, unique_id, path } => Principal::User { account, name, unique_id, path },
        SessionKind::FederatedUser { name, user_name, user_path, user_id } => {
            Principal::FederatedUser { account, name, user_name, user_path, user_id }
        }
        SessionKind::AssumedRole { role_name, role_arn, role_id, session_name } => {
            Principal::AssumedRole { account, role_name, role_arn, role_id, session_name }
        }
    })
}

fn caller_session(detail: SessionDetail) -> CallerSession {
    CallerSession {
        issued_epoch_millis: detail.issued_epoch_millis,
        policy: detail.policy,
        policy_arns: detail.policy_arns,
        tags: detail.tags,
        transitive_tag_keys: detail.transitive_tag_keys,
        source_identity: detail.source_identity,
        provider: detail.provider,
    }
}
