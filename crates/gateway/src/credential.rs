//! The credential a request names, read without checking anything: enough to know account, region and service.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::request::{header, percent_decoded};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    /// The service's signing name.
    pub(crate) service: String,
}

impl Credential {
    /// From the Authorization header or a presigned query; lenient, because development tools sign loosely.
    pub(crate) fn of(headers: &HeaderMap, query: &str) -> Option<Self> {
        let authorization = header(headers, &AUTHORIZATION);
        if authorization.starts_with("AWS4-") {
            let start = authorization.find("Credential=")? + "Credential=".len();
            let scope = authorization[start..].split([',', ' ']).next()?;
            return Self::parse(scope);
        }
        if let Some(rest) = authorization.strip_prefix("AWS ") {
            // Signature Version 2, which only S3 clients still send.
            return Self::version_2(rest.split(':').next()?);
        }
        let parameter = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        if !query.contains("X-Amz-Credential=") && !query.contains("AWSAccessKeyId=") {
            return None;
        }
        match parameter("X-Amz-Credential") {
            Some(scope) => Self::parse(&percent_decoded(scope, false)),
            None => Self::version_2(&percent_decoded(parameter("AWSAccessKeyId")?, false)),
        }
    }

    /// `key/date/region/service/aws4_request`; keys may contain slashes, so it is read from the end.
    fn parse(scope: &str) -> Option<Self> {
        let mut fields = scope.rsplitn(5, '/');
        let (_, service, region, _, access_key_id) =
            (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let credential = Credential {
            access_key_id: access_key_id.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        };
        (!service.is_empty()).then_some(credential)
    }

    fn version_2(access_key_id: &str) -> Option<Self> {
        let region = service::Region::DEFAULT.to_owned();
        Some(Credential { access_key_id: access_key_id.to_owned(), region, service: "s3".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(authorization: &str, query: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        }
        Credential::of(&headers, query).map(|c| format!("{} {} {}", c.access_key_id, c.region, c.service))
    }

    #[test]
    fn headers_and_presigned_queries_name_a_credential() {
        let header = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0";
        let tight = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request,SignedHeaders=host,Signature=0";
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(found(header, "").as_deref(), Some("test eu-west-1 sqs"));
        assert_eq!(found(tight, "").as_deref(), Some("test eu-west-1 sqs"));
        assert_eq!(found("", query).as_deref(), Some("test us-east-1 s3"));
        assert_eq!(found("AWS AKIA:c2ln", "").as_deref(), Some("AKIA us-east-1 s3"));
        assert_eq!(found("", "AWSAccessKeyId=k&Signature=s&Expires=1").as_deref(), Some("k us-east-1 s3"));
    }

    #[test]
    fn other_schemes_and_broken_scopes_name_none() {
        for text in ["Bearer abc", "Basic dGVzdA==", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c"]
        {
            assert_eq!(found(text, ""), None, "{text}");
        }
        assert_eq!(found("", "a=b"), None);
    }
}
