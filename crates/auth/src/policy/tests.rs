//! Worked cases of the published evaluation logic.

mod laws;

use std::time::{Duration, Instant};

use super::pattern::{Glob, Syntax, pieces};
use super::scalar::{AddressRange, date, number};
use super::*;

const OWN: &str = "111122223333";
const OTHER: &str = "999999999999";
const BUCKET: &str = "arn:aws:s3:::bucket/key";
const USER: &str = "arn:aws:iam::111122223333:user/team/ann";
const ROLE: &str = "arn:aws:iam::111122223333:role/worker";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/worker/one";

fn user() -> Requester {
    Requester::User { account: OWN.into(), arn: USER.into(), unique_id: "AIDAEXAMPLEEXAMPLE".into() }
}

fn session() -> Requester {
    Requester::RoleSession {
        account: OWN.into(),
        role_arn: ROLE.into(),
        role_id: "AROAEXAMPLEEXAMPLE".into(),
        session_arn: SESSION.into(),
    }
}

fn request(requester: Requester, account: &str) -> Request {
    let context = Context::new().with_requester(&requester);
    Request::new(requester, "s3:GetObject", BUCKET, account, context)
}

fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn identity(statements: &str) -> Policy {
    Policy::parse(&document(statements), PolicyKind::Identity).unwrap()
}

fn grant(effect: &str, principal: &str) -> Policy {
    let text = format!(
        r#"{{"Effect":"{effect}","Principal":{principal},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}}"#
    );
    Policy::parse(&document(&text), PolicyKind::Resource).unwrap()
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#;
const DENY: &str = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
const OTHER_ALLOW: &str = r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#;

/// Decides and says why; empty texts stand for policies that are not there.
struct Case<'a> {
    requester: Requester,
    account: &'a str,
    identity: &'a str,
    resource: Option<Policy>,
    kind: ResourcePolicyKind,
    boundary: &'a str,
    session: &'a str,
    organization: &'a str,
}

impl Case<'_> {
    fn new(requester: Requester) -> Self {
        Case {
            requester,
            account: OWN,
            identity: "",
            resource: None,
            kind: ResourcePolicyKind::Ordinary,
            boundary: "",
            session: "",
            organization: "",
        }
    }

    fn says(&self) -> String {
        let compiled = |text: &str| (!text.is_empty()).then(|| identity(text));
        let (own, boundary) = (compiled(self.identity), compiled(self.boundary));
        let (session, organization) = (compiled(self.session), compiled(self.organization));
        let own: Vec<&Policy> = own.iter().collect();
        let session: Option<Vec<&Policy>> = session.as_ref().map(|policy| vec![policy]);
        let level: Vec<&Policy> = organization.iter().collect();
        let levels: Vec<&[&Policy]> = organization.iter().map(|_| level.as_slice()).collect();
        let policies = Policies {
            identity: &own,
            resource: Some(ResourcePolicy { kind: self.kind, policy: self.resource.as_ref() }),
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            service_control: &levels,
        };
        let request = request(self.requester.clone(), self.account);
        match decide(&request, &policies) {
            Decision::Allowed => "allowed".into(),
            Decision::Denied(denial) => {
                let text = denied_text(&request, denial);
                let start = format!(
                    "User: {} is not authorized to perform: s3:GetObject on resource: {BUCKET} ",
                    self.requester.arn()
                );
                text.strip_prefix(&start).expect("the text names who, what and where").to_owned()
            }
        }
    }
}

#[test]
fn worked_cases_of_the_evaluation_logic() {
    let no = |what: &str| format!("because no {what} allows the s3:GetObject action");
    let aws = |arn: &str| format!(r#"{{"AWS":"{arn}"}}"#);
    let root = || Requester::Root { account: OWN.into() };
    let service = || Requester::Service { name: "s3.amazonaws.com".into() };
    let allow = |principal: &str| Some(grant("Allow", principal));
    let both = format!("{ALLOW},{DENY}");
    type Check<'a> = (&'a str, Case<'a>, String);
    let cases: Vec<Check<'_>> = vec![
        ("nothing", Case::new(user()), no("identity-based policy")),
        ("identity", Case { identity: ALLOW, ..Case::new(user()) }, "allowed".into()),
        ("root", Case::new(root()), "allowed".into()),
        (
            "root of another account",
            Case { account: OTHER, ..Case::new(root()) },
            no("resource-based policy"),
        ),
        (
            "deny wins",
            Case { identity: &both, ..Case::new(user()) },
            "with an explicit deny in an identity-based policy".into(),
        ),
        (
            "resource deny",
            Case { identity: ALLOW, resource: Some(grant("Deny", r#""*""#)), ..Case::new(user()) },
            "with an explicit deny in a resource-based policy".into(),
        ),
        (
            "a deny that leaves out the user",
            Case {
                identity: ALLOW,
                resource: Some(
                    Policy::parse(
                        &document(&format!(
                            r#"{{"Effect":"Deny","NotPrincipal":{},"Action":"*","Resource":"*"}}"#,
                            aws(USER)
                        )),
                        PolicyKind::Resource,
                    )
                    .unwrap(),
                ),
                ..Case::new(user())
            },
            "allowed".into(),
        ),
        ("user named", Case { resource: allow(&aws(USER)), ..Case::new(user()) }, "allowed".into()),
        (
            "user named passes the boundary",
            Case { resource: allow(&aws(USER)), boundary: OTHER_ALLOW, ..Case::new(user()) },
            "allowed".into(),
        ),
        (
            "account named",
            Case { resource: allow(&aws(OWN)), ..Case::new(user()) },
            no("identity-based policy"),
        ),
        (
            "role named, boundary",
            Case { resource: allow(&aws(ROLE)), boundary: OTHER_ALLOW, ..Case::new(session()) },
            no("permissions boundary"),
        ),
        (
            "role named, session policy",
            Case { resource: allow(&aws(ROLE)), session: OTHER_ALLOW, ..Case::new(session()) },
            no("session policy"),
        ),
        ("role named", Case { resource: allow(&aws(ROLE)), ..Case::new(session()) }, "allowed".into()),
        (
            "session named",
            Case {
                resource: allow(&aws(SESSION)),
                session: OTHER_ALLOW,
                boundary: OTHER_ALLOW,
                ..Case::new(session())
            },
            "allowed".into(),
        ),
        (
            "boundary",
            Case { identity: ALLOW, boundary: OTHER_ALLOW, ..Case::new(user()) },
            no("permissions boundary"),
        ),
        (
            "boundary deny",
            Case { identity: ALLOW, boundary: DENY, ..Case::new(user()) },
            "with an explicit deny in a permissions boundary".into(),
        ),
        (
            "session policy",
            Case { identity: ALLOW, session: OTHER_ALLOW, ..Case::new(session()) },
            no("session policy"),
        ),
        (
            "session policy alone",
            Case { session: ALLOW, ..Case::new(session()) },
            no("identity-based policy"),
        ),
        (
            "organization",
            Case { identity: ALLOW, organization: OTHER_ALLOW, ..Case::new(user()) },
            no("service control policy"),
        ),
        (
            "organization limits root",
            Case { organization: DENY, ..Case::new(root()) },
            "with an explicit deny in a service control policy".into(),
        ),
        (
            "cross-account, identity alone",
            Case { account: OTHER, identity: ALLOW, ..Case::new(user()) },
            no("resource-based policy"),
        ),
        (
            "cross-account, resource alone",
            Case { account: OTHER, resource: allow(&aws(USER)), ..Case::new(user()) },
            no("identity-based policy"),
        ),
        (
            "cross-account, both",
            Case { account: OTHER, identity: ALLOW, resource: allow(&aws(OWN)), ..Case::new(user()) },
            "allowed".into(),
        ),
        (
            "trust without a name",
            Case { identity: ALLOW, kind: ResourcePolicyKind::RoleTrust, ..Case::new(user()) },
            no("role trust policy"),
        ),
        (
            "key policy names the account",
            Case {
                identity: ALLOW,
                kind: ResourcePolicyKind::Key,
                resource: allow(&aws("arn:aws:iam::111122223333:root")),
                ..Case::new(user())
            },
            "allowed".into(),
        ),
        (
            "service",
            Case { resource: allow(r#"{"Service":"s3.amazonaws.com"}"#), ..Case::new(service()) },
            "allowed".into(),
        ),
        (
            "another service",
            Case { resource: allow(r#"{"Service":"sns.amazonaws.com"}"#), ..Case::new(service()) },
            no("resource-based policy"),
        ),
        (
            "anonymous",
            Case { resource: allow(r#""*""#), ..Case::new(Requester::Anonymous) },
            "allowed".into(),
        ),
        (
            "anonymous, not named",
            Case { resource: allow(&aws(USER)), ..Case::new(Requester::Anonymous) },
            no("resource-based policy"),
        ),
    ];
    for (name, case, expected) in cases {
        assert_eq!(case.says(), expected, "{name}");
    }
}

/// Source: IAM user guide, "NotPrincipal" and "Permissions boundaries for IAM entities".
#[test]
fn only_who_is_listed_itself_is_left_out_of_a_deny() {
    let all_but = |names: &[&str]| {
        let names = serde_json::to_string(names).unwrap();
        let text =
            format!(r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":{names}}},"Action":"*","Resource":"*"}}"#);
        Some(Policy::parse(&document(&text), PolicyKind::Resource).unwrap())
    };
    let denied = "with an explicit deny in a resource-based policy";
    let cases = [
        (user(), vec![USER, OWN], "", "allowed"),
        (user(), vec![OWN], "", denied),
        (user(), vec![USER, OWN], ALLOW, denied),
        (session(), vec![SESSION, ROLE, OWN], "", "allowed"),
        (session(), vec![ROLE, OWN], "", denied),
    ];
    for (requester, names, boundary, expected) in cases {
        let resource = all_but(&names);
        let case = Case { identity: ALLOW, resource, boundary, ..Case::new(requester) };
        assert_eq!(case.says(), expected, "{names:?} {boundary}");
    }
}

fn condition_holds(version: &str, condition: &str, context: Context) -> bool {
    let text = format!(
        r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
    );
    let policy = Policy::parse(&text, PolicyKind::Identity).unwrap();
    let request = Request::new(user(), "s3:GetObject", BUCKET, OWN, context);
    decide(&request, &Policies { identity: &[&policy], ..Policies::default() }) == Decision::Allowed
}

#[test]
fn every_condition_operator() {
    let cases = [
        (r#"{"StringEquals":{"K:A":["x","y"]}}"#, "y", true),
        (r#"{"StringEquals":{"k:a":"Y"}}"#, "y", false),
        (r#"{"StringEquals":{"k:a":"*"}}"#, "y", false),
        (r#"{"StringNotEquals":{"k:a":["x","y"]}}"#, "y", false),
        (r#"{"StringNotEquals":{"k:a":["x","z"]}}"#, "y", true),
        (r#"{"StringEqualsIgnoreCase":{"k:a":"ÄB"}}"#, "äb", true),
        (r#"{"StringNotEqualsIgnoreCase":{"k:a":"ab"}}"#, "AB", false),
        (r#"{"StringLike":{"k:a":"a?c*"}}"#, "abcd", true),
        (r#"{"StringLike":{"k:a":"a${*}c"}}"#, "abc", false),
        (r#"{"StringLike":{"k:a":"${$}${?}${*}"}}"#, "$?*", true),
        (r#"{"StringNotLike":{"k:a":"a*"}}"#, "abc", false),
        (r#"{"NumericEquals":{"k:a":10}}"#, "10.0", true),
        (r#"{"NumericNotEquals":{"k:a":"10"}}"#, "11", true),
        (r#"{"NumericLessThan":{"k:a":"10"}}"#, "9.999", true),
        (r#"{"NumericLessThanEquals":{"k:a":"10"}}"#, "10", true),
        (r#"{"NumericGreaterThan":{"k:a":"10"}}"#, "10", false),
        (r#"{"NumericGreaterThanEquals":{"k:a":"-3"}}"#, "-3", true),
        (r#"{"NumericLessThan":{"k:a":"10"}}"#, "none", false),
        (r#"{"DateGreaterThan":{"k:a":"2020-01-01T00:00:01Z"}}"#, "2020-01-01T01:00:02+01:00", true),
        (r#"{"DateLessThan":{"k:a":"2020-01-01"}}"#, "1577836799", true),
        (r#"{"DateLessThanEquals":{"k:a":"2020"}}"#, "2020-01-01T00:00:00Z", true),
        (r#"{"DateEquals":{"k:a":"1577836800"}}"#, "2020-01-01T00:00:00.000Z", true),
        (r#"{"DateNotEquals":{"k:a":"2020-01"}}"#, "2020-01-01T00:00:00Z", false),
        (r#"{"DateGreaterThanEquals":{"k:a":"2020-01-02"}}"#, "2020-01-01T23:59:59Z", false),
        (r#"{"Bool":{"k:a":true}}"#, "TRUE", true),
        (r#"{"Bool":{"k:a":"false"}}"#, "true", false),
        (r#"{"BinaryEquals":{"k:a":"QQ=="}}"#, "QQ==", true),
        (r#"{"BinaryEquals":{"k:a":"QQ=="}}"#, "Qg==", false),
        (r#"{"IpAddress":{"k:a":["10.0.0.0/8","2001:DB8::/32"]}}"#, "2001:db8:1::1", true),
        (r#"{"IpAddress":{"k:a":"203.0.113.0/24"}}"#, "203.0.113.255", true),
        (r#"{"IpAddress":{"k:a":"203.0.113.0/24"}}"#, "::ffff:203.0.113.9", true),
        (r#"{"NotIpAddress":{"k:a":"203.0.113.7"}}"#, "203.0.113.8", true),
        (r#"{"ArnEquals":{"k:a":"arn:aws:sns:*:1:t*"}}"#, "arn:aws:sns:eu-west-1:1:topic:x", true),
        (
            r#"{"ArnLike":{"k:a":"arn:aws:someservice:*:111122223333:finance/*"}}"#,
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            false,
        ),
        (
            r#"{"StringLike":{"k:a":"arn:aws:someservice:*:111122223333:finance/*"}}"#,
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            true,
        ),
        (r#"{"ArnNotLike":{"k:a":"arn:aws:sns:*:1:*"}}"#, "arn:aws:sqs:r:1:q", true),
        (r#"{"ArnNotEquals":{"k:a":"arn:aws:sns:*:1:*"}}"#, "arn:aws:sns:r:1:q", false),
        (r#"{"Null":{"k:a":"false"}}"#, "x", true),
        (r#"{"Null":{"k:a":true}}"#, "x", false),
        (r#"{"StringEquals":{"k:a":"y"},"Bool":{"k:b":"true"}}"#, "y", false),
        ("{}", "y", true),
    ];
    for (condition, value, expected) in cases {
        let found = condition_holds("2012-10-17", condition, Context::new().with("k:A", value));
        assert_eq!(found, expected, "{condition} {value}");
    }
}

#[test]
fn missing_and_multivalued_keys() {
    let set = |values: &[&str]| {
        let mut context = Context::new();
        context.set_all("k:a", values.iter().map(|value| (*value).to_owned()).collect());
        context
    };
    let cases: [(&str, &[&str], bool); 20] = [
        (r#"{"StringEquals":{"k:a":"x"}}"#, &[], false),
        (r#"{"StringNotEquals":{"k:a":"x"}}"#, &[], true),
        (r#"{"NotIpAddress":{"k:a":"10.0.0.0/8"}}"#, &[], true),
        (r#"{"StringEqualsIfExists":{"k:a":"x"}}"#, &[], true),
        (r#"{"StringEqualsIfExists":{"k:a":"x"}}"#, &["y"], false),
        (r#"{"StringNotEqualsIfExists":{"k:a":"x"}}"#, &[], true),
        (r#"{"Null":{"k:a":"true"}}"#, &[], true),
        (r#"{"Null":{"k:a":"false"}}"#, &[], false),
        (r#"{"ForAllValues:StringEquals":{"k:a":["x","y"]}}"#, &["x", "y"], true),
        (r#"{"ForAllValues:StringEquals":{"k:a":["x","y"]}}"#, &["x", "z"], false),
        (r#"{"ForAllValues:StringEquals":{"k:a":["x","y"]}}"#, &[], true),
        (r#"{"ForAllValues:StringEquals":{"k:a":["x","y"]}}"#, &[""], true),
        (r#"{"ForAllValues:StringNotEquals":{"k:a":["x","y"]}}"#, &["z", "x"], false),
        (r#"{"ForAnyValue:StringEquals":{"k:a":["x","y"]}}"#, &["z", "x"], true),
        (r#"{"ForAnyValue:StringEquals":{"k:a":["x","y"]}}"#, &["z"], false),
        (r#"{"ForAnyValue:StringEquals":{"k:a":["x","y"]}}"#, &[], false),
        (r#"{"ForAnyValue:StringEquals":{"k:a":["x",""]}}"#, &[""], false),
        (r#"{"ForAnyValue:StringNotEquals":{"k:a":["x"]}}"#, &["x", "z"], true),
        (r#"{"ForAnyValue:StringLikeIfExists":{"k:a":["x*"]}}"#, &[], true),
        (r#"{"ForAnyValue:StringLike":{"k:a":["x*"]}}"#, &["a", "xy"], true),
    ];
    for (condition, values, expected) in cases {
        assert_eq!(condition_holds("2012-10-17", condition, set(values)), expected, "{condition} {values:?}");
    }
}

fn covers(version: &str, resource: &str, asked: &str, context: Context) -> bool {
    let text = format!(
        r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}}}"#
    );
    let policy = Policy::parse(&text, PolicyKind::Identity).unwrap();
    let request = Request::new(user(), "s3:GetObject", asked, OWN, context);
    decide(&request, &Policies { identity: &[&policy], ..Policies::default() }) == Decision::Allowed
}

#[test]
fn variables_and_arn_segments() {
    let context = || Context::new().with_requester(&user()).with("aws:PrincipalTag/Team", "a*");
    let new = "2012-10-17";
    let cases = [
        (new, "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ann/x", true),
        (new, "arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/bob/x", false),
        (new, "arn:aws:s3:::b/${aws:PrincipalTag/team}", "arn:aws:s3:::b/a*", true),
        (new, "arn:aws:s3:::b/${aws:PrincipalTag/team}", "arn:aws:s3:::b/ab", false),
        (new, "arn:aws:s3:::b/${aws:PrincipalTag/none}", "arn:aws:s3:::b/", false),
        (new, "arn:aws:s3:::b/${aws:PrincipalTag/none, 'all'}", "arn:aws:s3:::b/all", true),
        (new, "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false),
        ("2008-10-17", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ann", false),
        ("2008-10-17", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:username}", true),
        (new, "arn:aws:sqs:*:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        (new, "arn:aws:sqs:us-*-1:111122223333:q", "arn:aws:sqs:us-east-1:111122223333:q", true),
        (new, "arn:aws:sqs:us-*-1:q", "arn:aws:sqs:us-east-1:1:x-1:q", false),
        (new, "arn:aws:sqs:u*-1:1:*", "arn:aws:sqs:us:1:x-1:1:q", false),
        (new, "arn:aws:sqs", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        (new, "arn:aws:sqs", "arn:aws:sns:eu-west-1:111122223333:q", false),
        (new, "arn:aws:logs:*:*:log-group:/a*:z", "arn:aws:logs:r:1:log-group:/ab:c:z", true),
        (new, "*", "*", true),
        (new, "arn:aws:s3:::*", "*", false),
    ];
    for (version, pattern, asked, expected) in cases {
        assert_eq!(covers(version, pattern, asked, context()), expected, "{version} {pattern} {asked}");
    }
}

#[test]
fn documents_that_are_no_policies() {
    let fine = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
    let cases: Vec<(String, &str)> = vec![
        ("{".into(), "This policy contains invalid Json"),
        ("[".repeat(10_000), "This policy contains invalid Json"),
        ("[]".into(), "Syntax errors in policy."),
        (r#"{"Version":"2012-10-17"}"#.into(), "Syntax errors in policy."),
        (r#"{"Version":"2020-01-01","Statement":[]}"#.into(), "Syntax errors in policy."),
        (document(""), "Syntax errors in policy."),
        (document(r#"{"Effect":"allow","Action":"*","Resource":"*"}"#), "Syntax errors in policy."),
        (
            document(r#"{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}"#),
            "Syntax errors in policy.",
        ),
        (document(&format!("{{{fine},\"NotAction\":\"x:y\"}}")), "Syntax errors in policy."),
        (document(&format!("{{{fine},\"Extra\":1}}")), "Syntax errors in policy."),
        (
            document(&format!("{{{fine},\"Condition\":{{\"Strange\":{{\"a\":1}}}}}}")),
            "Syntax errors in policy.",
        ),
        (
            document(&format!("{{{fine},\"Condition\":{{\"NumericEquals\":{{\"a\":\"x\"}}}}}}")),
            "Syntax errors in policy.",
        ),
        (
            document(&format!("{{{fine},\"Principal\":\"*\"}}")),
            "Policy document should not specify a principal.",
        ),
        (document(r#"{"Effect":"Allow","Resource":"*"}"#), "Policy statement must contain actions."),
        (document(r#"{"Effect":"Allow","Action":"s3:*"}"#), "Policy statement must contain resources."),
        (
            document(r#"{"Effect":"Allow","Action":"s3","Resource":"*"}"#),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (document(r#"{"Effect":"Allow","Action":"s*:x","Resource":"*"}"#), "Vendor s* is not valid"),
        (
            document(r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#),
            "Resource bucket must be in ARN format or \"*\".",
        ),
        (
            document(&format!("{{\"Sid\":\"a\",{fine}}},{{\"Sid\":\"a\",{fine}}}")),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (" ".repeat(70_000), "Policy document exceeds 65536 bytes."),
    ];
    for (text, expected) in cases {
        let error = Policy::parse(&text, PolicyKind::Identity).unwrap_err().to_string();
        assert_eq!(error, expected, "{}", &text[..text.len().min(200)]);
    }
    let resource = |principal: &str, effect: &str| {
        let text = format!(r#"{{"Effect":"{effect}",{principal},"Action":"s3:*","Resource":"*"}}"#);
        Policy::parse(&document(&text), PolicyKind::Resource)
            .map_or_else(|error| error.to_string(), |_| "fine".into())
    };
    assert_eq!(resource(r#""Principal":{"AWS":["111122223333","*"]}"#, "Allow"), "fine");
    assert_eq!(resource(r#""NotPrincipal":{"AWS":"111122223333"}"#, "Deny"), "fine");
    assert_eq!(
        resource(r#""NotPrincipal":{"AWS":"111122223333"}"#, "Allow"),
        "Allow with NotPrincipal is not allowed."
    );
    assert_eq!(
        resource(r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}"#, "Allow"),
        r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*""#
    );
}

#[test]
fn numbers_dates_and_ranges_at_their_edges() {
    assert_eq!(number("1.5"), Some(1_500_000_000));
    assert_eq!(number("-0.000000001"), Some(-1));
    for wrong in ["", "-", ".5", "1.", "1e3", "NaN", "１", "1.0000000001"] {
        assert_eq!(number(wrong), None, "{wrong}");
    }
    for wrong in
        ["", "ä-1", "2020-13", "2020-02-30", "2020-01-01T", "2020-01-01T25:00Z", "2020-01-01T00:00+99:00"]
    {
        assert_eq!(date(wrong), None, "{wrong}");
    }
    assert!(AddressRange::parse("0.0.0.0/0").is_some_and(|range| range.contains("255.1.2.3")));
    assert!(AddressRange::parse("::/0").is_some_and(|range| range.contains("::1")));
    for wrong in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "x"] {
        assert_eq!(AddressRange::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn hostile_patterns_stay_fast() {
    let pattern = format!("arn:aws:s3:::{}b", "a*a?".repeat(2_000));
    let asked = format!("arn:aws:s3:::{}", "a".repeat(8_000));
    let started = Instant::now();
    assert!(!covers("2012-10-17", &pattern, &asked, Context::new()));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
