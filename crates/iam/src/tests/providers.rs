//! OpenID Connect providers.

use super::*;

const ARN: &str = "arn:aws:iam::000000000000:oidc-provider/token.example.com/path";

#[tokio::test]
async fn a_provider_lives() {
    let cloud = Cloud::new();
    let print = "A".repeat(40);
    let input = format!(
        r#"{{"Url":"https://token.example.com/path","ClientIDList":["one"],"ThumbprintList":["{print}"],
            "Tags":[{{"Key":"k","Value":"v"}}]}}"#
    );
    let made = cloud.json("CreateOpenIDConnectProvider", &input).await;
    assert_eq!(made["OpenIDConnectProviderArn"], ARN);
    expect!["EntityAlreadyExistsException: Provider with url https://token.example.com/path already exists."]
        .assert_eq(&cloud.call("CreateOpenIDConnectProvider", &input).await);
    let named = |rest: &str| format!(r#"{{"OpenIDConnectProviderArn":"{ARN}"{rest}}}"#);
    cloud.json("AddClientIDToOpenIDConnectProvider", &named(r#","ClientID":"two""#)).await;
    cloud.json("RemoveClientIDFromOpenIDConnectProvider", &named(r#","ClientID":"one""#)).await;
    cloud.json("UpdateOpenIDConnectProviderThumbprint", &named(r#","ThumbprintList":[]"#)).await;
    cloud.json("TagOpenIDConnectProvider", &named(r#","Tags":[{"Key":"x","Value":"y"}]"#)).await;
    cloud.json("UntagOpenIDConnectProvider", &named(r#","TagKeys":["k"]"#)).await;
    let tags = cloud.json("ListOpenIDConnectProviderTags", &named("")).await;
    assert_eq!(tags["Tags"].as_array().unwrap().len(), 1);
    expect![[r#"
        {
          "ClientIDList": [
            "two"
          ],
          "CreateDate": "2023-11-14T22:13:20Z",
          "Tags": [
            {
              "Key": "x",
              "Value": "y"
            }
          ],
          "ThumbprintList": [],
          "Url": "token.example.com/path"
        }"#]]
    .assert_eq(&cloud.call("GetOpenIDConnectProvider", &named("")).await);
    let listed = cloud.json("ListOpenIDConnectProviders", "{}").await;
    assert_eq!(listed["OpenIDConnectProviderList"][0]["Arn"], ARN);
    let found =
        auth::Identities::provider(cloud.identities.as_ref(), "000000000000", "token.example.com/path");
    assert_eq!(found.await.unwrap().unwrap().client_ids, ["two"]);
    cloud.json("DeleteOpenIDConnectProvider", &named("")).await;
    expect!["NoSuchEntityException: OpenIDConnect Provider not found for arn arn:aws:iam::000000000000:oidc-provider/token.example.com/path"]
        .assert_eq(&cloud.call("GetOpenIDConnectProvider", &named("")).await);
}

#[tokio::test]
async fn wrong_providers_are_refused() {
    let cloud = Cloud::new();
    for url in ["token.example.com", "http://token.example.com", "https://", "https://a?b", "ftp://localhost"]
    {
        let answer = cloud.call("CreateOpenIDConnectProvider", &format!(r#"{{"Url":"{url}"}}"#)).await;
        assert_eq!(answer, "InvalidInputException: Invalid Open ID Connect Provider URL", "{url}");
    }
    let input = r#"{"Url":"http://localhost:8080/x","ThumbprintList":["abc"]}"#;
    expect!["InvalidInputException: Invalid thumbprint: 40 hexadecimal digits are needed."]
        .assert_eq(&cloud.call("CreateOpenIDConnectProvider", input).await);
}
