//! How many decisions a second: `cargo bench -p auth`.
//!
//! Ten statements in one identity policy, none of the first nine allowing; the best of many short rounds, since other work on the machine only adds.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use auth::policy::{Context, Decision, Policies, Policy, PolicyKind, Request, Requester, decide};

const ROUNDS: usize = 500;
const DECISIONS_A_ROUND: u32 = 2_000;

fn main() {
    let mut statements: Vec<String> = (0..8)
        .map(|number| {
            format!(
                r#"{{"Effect":"Allow","Action":["s3:Get*","s3:Put*"],"Resource":"arn:aws:s3:::bucket-{number}/*"}}"#
            )
        })
        .collect();
    statements.push(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#.into());
    let home = r#"{"Effect":"Allow","Action":"s3:*Object","Resource":"arn:aws:s3:::home/HERE/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#;
    measure("10 statements, plain", &statements, &home.replace("HERE", "ann"));
    measure("10 statements, a variable", &statements, &home.replace("HERE", "${aws:username}"));
}

fn measure(name: &str, statements: &[String], last: &str) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{},{last}]}}"#, statements.join(","));
    let policy = Policy::parse(&text, PolicyKind::Identity).expect("a policy");
    let requester = Requester::User {
        account: "111122223333".into(),
        arn: "arn:aws:iam::111122223333:user/ann".into(),
        unique_id: "AIDAEXAMPLEEXAMPLE".into(),
    };
    let context = Context::new()
        .with_requester(&requester)
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "10.1.2.3");
    let resource = "arn:aws:s3:::home/ann/notes/today.txt";
    let request = Request::new(requester, "s3:GetObject", resource, "111122223333", context);
    let policies = Policies { identity: &[&policy], ..Policies::default() };
    assert_eq!(decide(&request, &policies), Decision::Allowed);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..DECISIONS_A_ROUND {
            black_box(decide(black_box(&request), black_box(&policies)));
        }
        best = best.min(started.elapsed().as_secs_f64() / f64::from(DECISIONS_A_ROUND));
    }
    println!("{name:<28} {:>7.0} ns  {:>6.2} million decisions/s", best * 1e9, 1e-6 / best);
}
