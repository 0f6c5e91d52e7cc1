//! The laws that hold for every policy, over random ones.

use proptest::prelude::*;

use super::*;

/// The definition of the wildcards, slow and plain.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
        Some((next, rest)) => text.first() == Some(next) && naive(rest, &text[1..]),
    }
}

fn statement() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec!["s3:*", "s3:Get*", "s3:PutObject", "*", "sqs:*"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::other", BUCKET]);
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    let shape = prop::sample::select(vec![
        ("Action", "Resource"),
        ("NotAction", "Resource"),
        ("Action", "NotResource"),
    ]);
    let condition = prop::sample::select(vec![
        "",
        r#","Condition":{"StringEquals":{"aws:username":"ann"}}"#,
        r#","Condition":{"StringNotLike":{"aws:username":"a*"}}"#,
        r#","Condition":{"Null":{"k:none":"true"}}"#,
    ]);
    (effect, action, resource, shape, condition).prop_map(
        |(effect, action, resource, (of, on), condition)| {
            format!(r#"{{"Effect":"{effect}","{of}":"{action}","{on}":"{resource}"{condition}}}"#)
        },
    )
}

fn decided(statements: &[String], boundary: Option<&Policy>) -> Decision {
    let policy = identity(&statements.join(","));
    decide(&request(user(), OWN), &Policies { identity: &[&policy], boundary, ..Policies::default() })
}

proptest! {
    #[test]
    fn wildcards_mean_what_the_plain_matcher_says(pattern in "[ab?*]{0,8}", text in "[abä]{0,8}") {
        let glob = Glob::new(&pieces(&pattern, Syntax { wildcards: true, variables: true }));
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(glob.matches(&text), naive(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn laws_of_statements(statements in prop::collection::vec(statement(), 1..6), extra in statement(), turn in 0_usize..6) {
        let before = decided(&statements, None);
        let mut more = statements.clone();
        more.push(extra.clone());
        let after = decided(&more, None);
        if extra.contains("Allow") {
            prop_assert!(before != Decision::Allowed || after == Decision::Allowed, "an allow removed access");
        } else {
            prop_assert!(before == Decision::Allowed || after != Decision::Allowed, "a deny added access");
        }
        // Order is irrelevant.
        let turn = turn % more.len();
        more.rotate_left(turn);
        prop_assert_eq!(decided(&more, None), after);
        // A boundary only narrows.
        let boundary = identity(&extra);
        if decided(&statements, Some(&boundary)) == Decision::Allowed {
            prop_assert_eq!(before, Decision::Allowed);
        }
        // A deny of everything wins over whatever there is.
        more.push(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#.into());
        prop_assert_eq!(decided(&more, None), Decision::Denied(Denial::Explicit(DenyingPolicy::Identity)));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Trust] {
            let _ = Policy::parse(&text, kind);
        }
        let _ = (number(&text), date(&text), AddressRange::parse(&text));
    }

    #[test]
    fn any_values_are_read_without_a_panic(
        operator in "(ForAllValues:|ForAnyValue:)?(String|Numeric|Date|Arn)(Not)?(Equals|Like|LessThan)(IfExists)?|Null|Bool|IpAddress|BinaryEquals",
        value in "[0-9T:+.Z/ä${}*?,' a-z-]{0,24}",
        found in "\\PC{0,24}",
    ) {
        let escaped = serde_json::to_string(&value).unwrap();
        let text = document(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":["*",{escaped}],"Condition":{{"{operator}":{{"k:a":{escaped}}}}}}}"#
        ));
        let _ = Policy::parse(&text, PolicyKind::Identity);
        let text = text.replace(&format!(r#"["*",{escaped}]"#), "\"*\"");
        if let Ok(policy) = Policy::parse(&text, PolicyKind::Identity) {
            let context = Context::new().with("k:a", found.clone());
            let asked = Request::new(user(), "s3:GetObject", &found, OWN, context);
            let _ = decide(&asked, &Policies { identity: &[&policy], ..Policies::default() });
        }
    }
}
