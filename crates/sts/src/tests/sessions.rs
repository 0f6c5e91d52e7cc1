//! What sessions bring along.

use super::*;
use service::CallerSession;

impl Cloud {
    /// The session of credentials that an operation answered.
    fn session_of(&self, output: &serde_json::Value) -> auth::Session {
        let text = |member: &str| output["Credentials"][member].as_str().unwrap();
        self.issuer.read(text("AccessKeyId"), text("SessionToken"), NOW).unwrap().0
    }

    async fn call_in_session(
        &self,
        session: CallerSession,
        operation: &str,
        input: &str,
    ) -> Result<serde_json::Value> {
        let caller = Caller { session: Some(Arc::new(session)), ..Caller::internal(assumed()) };
        let cx = ContextBuilder::new(&self.platform, Scope::default(), caller).build();
        let input: serde_json::Value = serde_json::from_str(input).unwrap();
        let reply = self.sts.execute(&cx, operation, Document::from_json(&input)).await?;
        Ok(reply.document.to_json())
    }
}

fn assume(rest: &str) -> String {
    format!(r#"{{"RoleArn":"{WORKER}","RoleSessionName":"job"{rest}}}"#)
}

const ALLOW: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"#;

#[tokio::test]
async fn policies_and_tags_travel_in_the_token() {
    let cloud = Cloud::new(Mode::Secure);
    let input = assume(&format!(
        r#","Policy":"{ALLOW}","PolicyArns":[{{"arn":"arn:aws:iam::aws:policy/known"}}],"SourceIdentity":"ada",
            "Tags":[{{"Key":"a","Value":"1"}},{{"Key":"b","Value":"2"}}],"TransitiveTagKeys":["b"]"#
    ));
    let output = cloud.json_as(user(), "AssumeRole", &input).await.unwrap();
    assert_eq!((&output["PackedPolicySize"], &output["SourceIdentity"]), (&3.into(), &"ada".into()));
    let detail = cloud.session_of(&output).detail;
    assert_eq!(detail.policy.as_deref(), Some(ALLOW.replace('\\', "").as_str()));
    assert_eq!(detail.policy_arns, ["arn:aws:iam::aws:policy/known"]);
    assert_eq!((detail.tags.len(), detail.transitive_tag_keys.as_slice()), (2, &["b".to_owned()][..]));
    assert_eq!((detail.source_identity.as_deref(), detail.issued_epoch_millis), (Some("ada"), NOW));
}

#[tokio::test]
async fn transitive_tags_and_the_source_identity_go_on() {
    let cloud = Cloud::new(Mode::Secure);
    let calling = CallerSession {
        tags: [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into(),
        transitive_tag_keys: vec!["b".into()],
        source_identity: Some("ada".into()),
        ..CallerSession::default()
    };
    let output = cloud.call_in_session(calling.clone(), "AssumeRole", &assume("")).await.unwrap();
    let detail = cloud.session_of(&output).detail;
    assert_eq!(detail.tags.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "2".to_owned())]);
    assert_eq!(
        (detail.transitive_tag_keys, detail.source_identity),
        (vec!["b".to_owned()], Some("ada".to_owned()))
    );
    for (rest, expected) in [
        (
            r#","Tags":[{"Key":"B","Value":"3"}]"#,
            "InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ),
        (
            r#","SourceIdentity":"eve""#,
            "AccessDenied: The source identity of a session cannot be changed by the roles it assumes.",
        ),
    ] {
        let refused = cloud.call_in_session(calling.clone(), "AssumeRole", &assume(rest)).await.unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}

#[tokio::test]
async fn wrong_wishes_are_refused() {
    let cloud = Cloud::new(Mode::Secure);
    let long = format!(r#","Policy":"{}""#, "x".repeat(2_049));
    let arns = (0..11).map(|_| r#"{"arn":"arn:aws:iam::aws:policy/known"}"#).collect::<Vec<_>>().join(",");
    let arns = format!(r#","PolicyArns":[{arns}]"#);
    for (rest, expected) in [
        (r#","Policy":"{}""#, "MalformedPolicyDocumentException: Syntax errors in policy."),
        (&long, "PackedPolicyTooLargeException: Session policies have at most 2048 characters."),
        (&arns, "ValidationError: The number of managed session policies exceeds the limit of 10."),
        (
            r#","PolicyArns":[{"arn":"arn:aws:iam::aws:policy/none"}]"#,
            "ValidationError: Policy arn:aws:iam::aws:policy/none does not exist or is not attachable.",
        ),
        (
            r#","TransitiveTagKeys":["a"]"#,
            "ValidationError: The specified transitive tag key must be included in the requested tags.",
        ),
        (
            r#","Tags":[{"Key":"a","Value":""},{"Key":"A","Value":""}]"#,
            "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            r#","SerialNumber":"arn:aws:iam::000000000000:mfa/x""#,
            "NotImplemented: Cloudling does not implement MFA devices of sts:AssumeRole yet.",
        ),
    ] {
        assert_eq!(cloud.call("AssumeRole", &assume(rest)).await, expected);
    }
    expect!["AccessDenied: Roles may not be assumed by root accounts."]
        .assert_eq(&cloud.call_as(root(), "AssumeRole", &assume("")).await);
}

#[tokio::test]
async fn packed_wishes_have_an_end() {
    let cloud = Cloud::new(Mode::Dev);
    let tags = |count: usize| {
        let tags: Vec<_> =
            (0..count).map(|n| format!(r#"{{"Key":"{n:06}","Value":"{}"}}"#, "v".repeat(250))).collect();
        assume(&format!(r#","Tags":[{}]"#, tags.join(",")))
    };
    assert_eq!(cloud.json_as(root(), "AssumeRole", &tags(16)).await.unwrap()["PackedPolicySize"], 100);
    expect!["PackedPolicyTooLargeException: Packed size of session policies and session tags consumes 107% of allotted space."]
        .assert_eq(&cloud.call("AssumeRole", &tags(17)).await);
}

#[tokio::test]
async fn users_are_federated() {
    let cloud = Cloud::new(Mode::Secure);
    let input = format!(r#"{{"Name":"guest","Policy":"{ALLOW}"}}"#);
    let output = cloud.json_as(user(), "GetFederationToken", &input).await.unwrap();
    assert_eq!(output["FederatedUser"]["Arn"], "arn:aws:sts::000000000000:federated-user/guest");
    assert_eq!(output["FederatedUser"]["FederatedUserId"], "000000000000:guest");
    let session = cloud.session_of(&output);
    assert!(matches!(&session.kind, SessionKind::FederatedUser { user_name, .. } if user_name == "ada"));
    assert!(session.detail.policy.is_some());
    expect!["AccessDenied: Cannot call GetFederationToken with session credentials"]
        .assert_eq(&cloud.call_as(assumed(), "GetFederationToken", &input).await);
    expect!["NotImplemented: Cloudling does not implement sts:GetFederationToken for the root user yet."]
        .assert_eq(&cloud.call_as(root(), "GetFederationToken", &input).await);
}

#[tokio::test]
async fn keys_and_messages_are_told() {
    let cloud = Cloud::new(Mode::Secure);
    let known =
        cloud.json_as(user(), "GetAccessKeyInfo", r#"{"AccessKeyId":"AKIAEXAMPLEEXAMPLE00"}"#).await.unwrap();
    assert_eq!(known["Account"], "111122223333");
    expect!["InvalidClientTokenId: The security token included in the request is invalid."]
        .assert_eq(&cloud.call("GetAccessKeyInfo", r#"{"AccessKeyId":"AKIAEXAMPLEEXAMPLE99"}"#).await);
    let message = auth::encode_message(cloud.issuer.as_ref(), r#"{"allowed":false}"#);
    let input = format!(r#"{{"EncodedMessage":"{message}"}}"#);
    let decoded = cloud.json_as(user(), "DecodeAuthorizationMessage", &input).await.unwrap();
    assert_eq!(decoded["DecodedMessage"], r#"{"allowed":false}"#);
    expect!["InvalidAuthorizationMessageException: The message is not valid."]
        .assert_eq(&cloud.call("DecodeAuthorizationMessage", r#"{"EncodedMessage":"x"}"#).await);
}
