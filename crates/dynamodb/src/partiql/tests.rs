//! Statements that are none, in the words of the service; and that no text exhausts or stops the parser.

use proptest::prelude::*;

use super::parse;
use crate::value::Value;

fn problem(text: &str) -> String {
    parse(text, &[]).expect_err(text)
}

#[test]
fn texts_that_are_no_statements_say_why() {
    for (text, told) in [
        ("", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("DROP TABLE t", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("SELECT * FROM t WHERE a = 'x", "Statement wasn't well formed, can't be processed: "),
        ("SELECT * FROM t # c", "Statement wasn't well formed, can't be processed: "),
        (
            "SELECT * FROM t WHERE a = 1 b",
            "Statement wasn't well formed, can't be processed: Unexpected token after expression",
        ),
        ("SELECT a AS b FROM t", "Aliasing is not supported"),
        ("SELECT * FROM \"\" WHERE a = 1", "Path component cannot be an empty string"),
        ("SELECT * FROM a.b.c", "A path may contain at most 2 components in the FROM clause"),
        ("INSERT INTO a.b VALUE {'k':1}", "FROM clause may only contain a single table name"),
        ("DELETE FROM a.b WHERE k = 1", "This operation is not supported on an index"),
        (
            "DELETE FROM t WHERE k = 1 RETURNING MODIFIED OLD *",
            "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        (
            "SELECT * FROM t WHERE a < true",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "INSERT INTO t VALUE {'k':{'x':[1, 1e200]}}",
            "Number overflow. Attempting to store a number with magnitude larger than supported range under root.k.x[1]",
        ),
        ("SELECT * FROM t WHERE a = ?", "Number of parameters in request and statement don't match."),
    ] {
        assert_eq!(problem(text), told, "{text}");
    }
}

#[test]
fn parameters_go_where_question_marks_stand() {
    let parameters = [Value::from("k"), Value::Bool(true)];
    let with = parse("UPDATE t SET a = ? WHERE k = ?", &[Value::Bool(true), Value::from("k")]);
    assert_eq!(with, parse("update \"t\" set \"a\" = true where \"k\" = 'k' -- the same", &[]));
    assert!(parse("SELECT * FROM t WHERE a = ? AND b = ?", &parameters).is_ok());
    assert!(parse("SELECT * FROM t WHERE a = ?", &parameters).is_err());
}

#[test]
fn nothing_is_nested_deep_enough_to_exhaust_the_stack() {
    for (open, close) in [("(", ")"), ("NOT ", ""), ("[", "]"), ("{'a':", "}"), ("size(", ")")] {
        let deep = format!("SELECT * FROM t WHERE {}a{} = 1", open.repeat(4_000), close.repeat(4_000));
        assert!(parse(&deep, &[]).is_err());
        let deep = format!("INSERT INTO t VALUE {}1{}", open.repeat(4_000), close.repeat(4_000));
        assert!(parse(&deep, &[]).is_err());
    }
    let sum = format!("UPDATE t SET a = a{} WHERE k = 1", " + 1".repeat(4_000));
    assert!(parse(&sum, &[]).is_err());
    let any = format!("SELECT * FROM t WHERE a = 1{}", " OR a = 1".repeat(900));
    assert!(parse(&any, &[]).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = parse(&text, &[]);
    }

    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec(
        prop::sample::select(vec![
            "SELECT", "*", "FROM", "t", "WHERE", "a", "=", "1", "'x'", "AND", "NOT", "(", ")", "[", "]", "{", "}", "<<",
            ">>", ":", ",", ".", "INSERT", "INTO", "VALUE", "UPDATE", "SET", "REMOVE", "DELETE", "RETURNING", "ALL",
            "OLD", "BETWEEN", "IN", "IS", "MISSING", "size", "?", "-", "+", "ORDER", "BY", "set_add", "é", "\"q\"",
        ]),
        0..20,
    )) {
        let _ = parse(&words.join(" "), &[Value::Null]);
    }
}
