//! Roles assumed with the token of an identity provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

/// A provider that signs tokens.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Signer(
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap(),
        )
    }

    fn keys(&self, id: &str) -> String {
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": id, "alg": "ES256", "x": x, "y": y}]})
            .to_string()
    }

    fn token(&self, id: &str, changes: &Value) -> String {
        let now = NOW / 1_000;
        let mut claims =
            json!({"iss": "https://id.example.com", "sub": "job", "aud": "me", "exp": now + 60, "iat": now});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": id})), part(&claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

impl Cloud {
    fn publish(&self, keys: String) {
        let mut documents = self.documents.0.lock().unwrap();
        let configuration =
            json!({"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"});
        documents.insert(
            "https://id.example.com/.well-known/openid-configuration".into(),
            configuration.to_string(),
        );
        documents.insert("https://id.example.com/keys".into(), keys);
    }

    async fn assume(&self, role: &str, token: &str) -> std::result::Result<Value, String> {
        let input = json!({"RoleArn": role, "RoleSessionName": "s1", "WebIdentityToken": token}).to_string();
        let nobody = Principal::Anonymous { account: AccountId::default() };
        self.json_as(nobody, "AssumeRoleWithWebIdentity", &input).await.map_err(|failure| failure.to_string())
    }
}

#[tokio::test]
async fn a_good_token_assumes_the_role() {
    let (cloud, signer) = (Cloud::new(Mode::Secure), Signer::new());
    cloud.publish(signer.keys("k"));
    let tags = json!({"https://aws.amazon.com/tags": {"principal_tags": {"team": ["one"]}, "transitive_tag_keys": ["team"]}});
    let output = cloud.assume(WORKER, &signer.token("k", &tags)).await.unwrap();
    assert_eq!(output["SubjectFromWebIdentityToken"], "job");
    assert_eq!(output["Audience"], "me");
    assert_eq!(output["Provider"], "arn:aws:iam::000000000000:oidc-provider/id.example.com");
    assert_eq!(output["AssumedRoleUser"]["Arn"], "arn:aws:sts::000000000000:assumed-role/worker/s1");
    let text = |member: &str| output["Credentials"][member].as_str().unwrap();
    let (session, _) = cloud.issuer.read(text("AccessKeyId"), text("SessionToken"), NOW).unwrap();
    assert_eq!(session.detail.tags.get("team").map(String::as_str), Some("one"));
    assert_eq!(
        session.detail.provider.as_deref(),
        Some("arn:aws:iam::000000000000:oidc-provider/id.example.com")
    );
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let (cloud, signer, stranger) = (Cloud::new(Mode::Secure), Signer::new(), Signer::new());
    cloud.publish(signer.keys("k"));
    let now = NOW / 1_000;
    let expired = format!(
        "ExpiredTokenException: Token expired: current date/time {now} must be before the expiration date/time {now}"
    );
    for (token, expected) in [
        (
            "a.b.c".to_owned(),
            "InvalidIdentityTokenException: The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ),
        (
            stranger.token("k", &json!({})),
            "InvalidIdentityTokenException: The signature of the token is invalid",
        ),
        (
            signer.token("other", &json!({})),
            "InvalidIdentityTokenException: Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
        ),
        (signer.token("k", &json!({"exp": now})), &expired),
        (
            signer.token("k", &json!({"aud": "you"})),
            "InvalidIdentityTokenException: Incorrect token audience",
        ),
        (
            signer.token("k", &json!({"azp": "you"})),
            "InvalidIdentityTokenException: Incorrect token audience",
        ),
        (
            signer.token("k", &json!({"iss": "https://else.example.com"})),
            "InvalidIdentityTokenException: No OpenIDConnect provider found in your account for https://else.example.com",
        ),
        (
            signer.token("k", &json!({"sub": "another"})),
            "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            signer.token("k", &json!({"https://aws.amazon.com/source_identity": "ada"})),
            "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
    ] {
        assert_eq!(cloud.assume(WORKER, &token).await.unwrap_err(), expected);
    }
    let absent = cloud.assume("arn:aws:iam::000000000000:role/none", &signer.token("k", &json!({}))).await;
    assert_eq!(absent.unwrap_err(), "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

#[tokio::test]
async fn new_keys_are_found_and_old_ones_forgotten() {
    let (cloud, first, second) = (Cloud::new(Mode::Secure), Signer::new(), Signer::new());
    let unreachable = cloud.assume(WORKER, &first.token("k1", &json!({}))).await.unwrap_err();
    expect!["IDPCommunicationErrorException: Cannot read the keys of identity provider https://id.example.com: connection refused"]
        .assert_eq(&unreachable);
    cloud.publish(first.keys("k1"));
    cloud.assume(WORKER, &first.token("k1", &json!({}))).await.unwrap();
    cloud.publish(second.keys("k2"));
    // Kept for a moment: a flood of unknown keys does not become a flood of questions.
    assert!(cloud.assume(WORKER, &second.token("k2", &json!({}))).await.is_err());
    cloud.platform.clock().advance_millis(11_000);
    cloud.assume(WORKER, &second.token("k2", &json!({}))).await.unwrap();
    assert!(cloud.assume(WORKER, &first.token("k1", &json!({}))).await.is_err());
}
