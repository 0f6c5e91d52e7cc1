//! The laws of expressions, and the texts of their errors.

use proptest::prelude::*;
use wire::Document;

use super::parse::Placeholders;
use super::parse_condition::parse_condition;
use super::parse_update::parse_update;
use super::print::Printer;
use super::projection::parse_projection;
use super::update::{Assignment, Term};
use super::*;
use crate::value::testing::{items, scalars, values};
use crate::value::{Attributes, Number, read_attributes};

fn document(json: &str) -> Document {
    Document::from_json(&serde_json::from_str(json).unwrap())
}

fn item(json: &str) -> Attributes {
    read_attributes(document(json)).unwrap()
}

/// Reads one expression with placeholders given as JSON; its error is the whole message.
fn read(role: Role, text: &str, names: &str, values: &str) -> Result<Expressions, String> {
    let given = |json: &str| (!json.is_empty()).then(|| document(json));
    let parameters = Parameters {
        expressions: vec![(role, Some(text))],
        older: Vec::new(),
        names: given(names),
        values: given(values),
        layer: Some(crate::value::Layer::Older),
    };
    parameters.check_combination()?;
    parameters.read()
}

fn error(role: Role, text: &str, values: &str) -> String {
    read(role, text, "", values).expect_err(text)
}

#[test]
fn broken_conditions_are_refused_in_the_words_of_the_service() {
    let values = r#"{":s":{"S":"b"},":t":{"S":"a"},":n":{"N":"1"},":b":{"BOOL":true},":x":{"S":"X"}}"#;
    let only = |name: &str| {
        let all: serde_json::Value = serde_json::from_str(values).unwrap();
        serde_json::json!({ name: all[name] }).to_string()
    };
    let cases = [
        ("", String::new(), "The expression can not be empty;"),
        ("a", String::new(), r#"Syntax error; token: "<EOF>", near: "a""#),
        ("a = b c", String::new(), r#"Syntax error; token: "c", near: "b c""#),
        ("attribute_exists()", String::new(), r#"Syntax error; token: ")", near: "()""#),
        ("a[b] = c", String::new(), r#"Syntax error; token: "b", near: "[b]""#),
        ("((attribute_exists(a)))", String::new(), "The expression has redundant parentheses;"),
        ("((a = b)) AND c = d", String::new(), "The expression has redundant parentheses;"),
        ("nope(a)", String::new(), "Invalid function name; function: nope"),
        (
            "attribute_exists(a) = b",
            String::new(),
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "size(a)",
            String::new(),
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        ("status = b", String::new(), "Attribute name is a reserved keyword; reserved keyword: status"),
        (
            "#a = b",
            String::new(),
            "An expression attribute name used in the document path is not defined; attribute name: #a",
        ),
        (
            "a = :a",
            String::new(),
            "An expression attribute value used in expression is not defined; attribute value: :a",
        ),
        (
            "attribute_exists(a, b)",
            String::new(),
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, \
             number of operands: 2",
        ),
        (
            "a = a",
            String::new(),
            "The first operand must be distinct from the remaining operands for this operator or function; \
             operator: =, first operand: [a]",
        ),
        (
            "attribute_exists(:s)",
            only(":s"),
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(a, :n)",
            only(":n"),
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "a < :b",
            only(":b"),
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "attribute_type(a, :x)",
            only(":x"),
            "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "size(:n) = a",
            only(":n"),
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
    ];
    for (text, values, problem) in cases {
        let expected = format!("Invalid ConditionExpression: {problem}");
        assert_eq!(error(Role::Condition, text, &values), expected, "{text}");
    }
    assert_eq!(
        error(Role::Filter, "a BETWEEN :s AND :t", r#"{":s":{"S":"b"},":t":{"S":"a"}}"#),
        "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower \
         bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"
    );
}

#[test]
fn broken_updates_are_refused_in_the_words_of_the_service() {
    let s = r#"{":s":{"S":"b"}}"#;
    let cases = [
        ("", "", "The expression can not be empty;"),
        ("INVALID SYNTAX HERE", "", r#"Syntax error; token: "INVALID", near: "INVALID SYNTAX""#),
        ("SET", "", r#"Syntax error; token: "<EOF>", near: "SET""#),
        ("SET a = if_not_exists(a, 0)", "", r#"Syntax error; token: "0", near: ", 0)""#),
        ("SET name = b", "", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET a = nope(b)", "", "Invalid function name; function: nope"),
        ("SET a = b SET c = d", "", r#"The "SET" section can only be used once in an update expression;"#),
        (
            "SET a = :v",
            "",
            "An expression attribute value used in expression is not defined; attribute value: :v",
        ),
        (
            "SET a = b REMOVE a.c",
            "",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; \
             path one: [a], path two: [a, c]",
        ),
        (
            "REMOVE a.b, a[1]",
            "",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; \
             path one: [a, b], path two: [a, [1]]",
        ),
        (
            "ADD a :s",
            s,
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "SET a = b + :s",
            s,
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = if_not_exists(:s, b)",
            s,
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
    ];
    for (text, values, problem) in cases {
        assert_eq!(
            error(Role::Update, text, values),
            format!("Invalid UpdateExpression: {problem}"),
            "{text}"
        );
    }
}

#[test]
fn placeholders_must_be_named_well_and_used() {
    let cases = [
        (r#"{"a":"b"}"#, "", r#"ExpressionAttributeNames contains invalid key: Syntax error; key: "a""#),
        ("{}", "", "ExpressionAttributeNames must not be empty"),
        ("", "{}", "ExpressionAttributeValues must not be empty"),
        (
            "",
            r#"{":v":{}}"#,
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :v",
        ),
        (
            r##"{"#b":"b","#a":"a"}"##,
            "",
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}",
        ),
        (
            "",
            r#"{":v":{"S":"a"}}"#,
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}",
        ),
    ];
    for (names, values, expected) in cases {
        assert_eq!(read(Role::Condition, "attribute_exists(a)", names, values).unwrap_err(), expected);
    }
}

#[test]
fn parameters_of_both_kinds_do_not_mix() {
    let parameters = Parameters {
        expressions: vec![(Role::Update, None), (Role::Condition, Some("a = b"))],
        older: vec!["AttributeUpdates", "Expected"],
        ..Parameters::default()
    };
    assert_eq!(
        parameters.check_combination().unwrap_err(),
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {AttributeUpdates, Expected} Expression parameters: {ConditionExpression}"
    );
    let values = || Some(document(r#"{":v":{"S":"a"}}"#));
    let parameters = Parameters {
        expressions: vec![(Role::Update, None), (Role::Condition, None)],
        values: values(),
        ..Parameters::default()
    };
    assert_eq!(
        parameters.check_combination().unwrap_err(),
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and \
         ConditionExpression are null"
    );
}

#[test]
fn sizes_and_operators_have_their_limits() {
    let long = format!("a = {}", "b".repeat(EXPRESSION_BYTES_MAX));
    assert_eq!(
        error(Role::Condition, &long, ""),
        "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4100"
    );
    let clauses = |count: usize| vec!["a <> b"; count].join(" OR ");
    assert!(read(Role::Condition, &clauses(150), "", "").is_ok());
    assert_eq!(
        error(Role::Condition, &clauses(151), ""),
        "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"
    );
}

#[test]
fn no_depth_exhausts_the_stack() {
    for text in [
        "(".repeat(EXPRESSION_BYTES_MAX),
        "NOT ".repeat(1_000),
        "size(".repeat(800),
        format!("SET a = {}", "if_not_exists(b, ".repeat(200)),
        format!("SET a = {}", "(".repeat(4_000)),
    ] {
        let mut placeholders = Placeholders::default();
        assert!(parse_condition(&text, Role::Condition, &mut placeholders).is_err());
        assert!(parse_update(&text, &mut placeholders).is_err());
    }
    // What joining a list of conditions two by two makes.
    let deep = format!("{}a <> b{}", "(".repeat(149), " AND a <> b)".repeat(149));
    let condition = read(Role::Condition, &deep, "", "").unwrap().condition.unwrap();
    assert!(holds(&condition, &Attributes::new()));
    let negated = format!("{}a = b{}", "NOT (".repeat(299), ")".repeat(299));
    assert!(meets(&negated, "", "{}"));
}

fn meets(text: &str, values: &str, json: &str) -> bool {
    let condition = read(Role::Condition, text, "", values).unwrap().condition.unwrap();
    holds(&condition, &item(json))
}

#[test]
fn conditions_hold_as_documented() {
    let json = r#"{"n":{"N":"5"},"s":{"S":"hello"},"t":{"SS":["a","b"]},"m":{"M":{"k":{"L":[{"S":"x"},{"N":"1"}]}}}}"#;
    let v = |json: &str| format!("{{\":v\":{json}}}");
    assert!(meets("n > :v", &v(r#"{"N":"4.9"}"#), json));
    assert!(!meets("n > :v", &v(r#"{"S":"4"}"#), json));
    assert!(meets("gone <> :v", &v(r#"{"S":"4"}"#), json));
    assert!(!meets("gone = :v", &v(r#"{"S":"4"}"#), json));
    assert!(meets("m.k[1] = :v", &v(r#"{"N":"1.0"}"#), json));
    assert!(meets("contains(t, :v) AND NOT contains(s, :v)", &v(r#"{"S":"a"}"#), json));
    assert!(meets("contains(s, :v)", &v(r#"{"S":"ell"}"#), json));
    assert!(meets("contains(m.k, :v)", &v(r#"{"S":"x"}"#), json));
    assert!(meets("size(t) = :v AND size(s) > :v", &v(r#"{"N":"2"}"#), json));
    assert!(meets("attribute_type(m, :v)", &v(r#"{"S":"M"}"#), json));
    assert!(meets("n IN (:v, s)", &v(r#"{"N":"5"}"#), json));
    assert!(meets(
        "attribute_not_exists(gone) AND (attribute_exists(m.k) OR n = :v)",
        &v(r#"{"N":"0"}"#),
        json
    ));
}

fn updated(text: &str, values: &str, json: &str) -> Result<String, String> {
    let update = read(Role::Update, text, "", values)?.update.unwrap();
    let applied = update.apply(&item(json)).map_err(|error| error.to_string())?;
    Ok(crate::value::to_document(&applied.item).to_json().to_string())
}

#[test]
fn updates_look_at_the_item_as_it_was() {
    let v = |json: &str| format!("{{\":v\":{json}}}");
    let run = |text: &str, values: &str, json: &str| updated(text, values, json).unwrap();
    assert_eq!(
        run("SET a = :v, b = a", &v(r#"{"S":"new"}"#), r#"{"a":{"S":"old"}}"#),
        r#"{"a":{"S":"new"},"b":{"S":"old"}}"#
    );
    assert_eq!(run("SET a = (a - :v)", &v(r#"{"N":"3"}"#), r#"{"a":{"N":"10"}}"#), r#"{"a":{"N":"7"}}"#);
    assert_eq!(
        run(
            "SET l[9] = :v REMOVE l[0], l[1]",
            &v(r#"{"S":"d"}"#),
            r#"{"l":{"L":[{"S":"a"},{"S":"b"},{"S":"c"}]}}"#
        ),
        r#"{"l":{"L":[{"S":"c"},{"S":"d"}]}}"#
    );
    assert_eq!(run("ADD n :v", &v(r#"{"N":"3"}"#), "{}"), r#"{"n":{"N":"3"}}"#);
    assert_eq!(run("DELETE t :v", &v(r#"{"SS":["a"]}"#), r#"{"t":{"SS":["a"]}}"#), "{}");
    let fails = |text: &str, values: &str, json: &str| updated(text, values, json).unwrap_err();
    assert_eq!(
        fails("SET a = b", "", "{}"),
        "The provided expression refers to an attribute that does not exist in the item"
    );
    assert_eq!(
        fails("SET a.b = :v", &v(r#"{"N":"1"}"#), "{}"),
        "The document path provided in the update expression is invalid for update"
    );
    assert_eq!(
        fails("ADD a :v", &v(r#"{"N":"1"}"#), r#"{"a":{"S":"x"}}"#),
        "An operand in the update expression has an incorrect data type"
    );
}

#[test]
fn projections_close_up_lists_in_order() {
    let read = read(Role::Projection, "l[2], l[0], m.a, gone.b", "", "").unwrap();
    let projected = read.projection.unwrap().of(&item(
        r#"{"l":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},"m":{"M":{"a":{"N":"1"},"b":{"N":"2"}}},"x":{"S":"y"}}"#,
    ));
    assert_eq!(projected, item(r#"{"l":{"L":[{"S":"0"},{"S":"2"}]},"m":{"M":{"a":{"N":"1"}}}}"#));
}

#[test]
fn key_conditions_fit_the_keys_or_say_why_not() {
    let values = r#"{":h":{"S":"a"},":r":{"N":"1"}}"#;
    let key = |text: &str| {
        let condition = read(Role::KeyCondition, text, "", values)?.key_condition.unwrap();
        key_condition(&key_conditions_of(condition)?, &[("h", Kind::S)], &[("r", Kind::N)])
    };
    let found = key("((h = :h)) AND ((:r <= r))").unwrap();
    assert_eq!(found.range, Some(KeyRange::GreaterOrEqual(Value::Number(Number::from_u64(1)))));
    let cases = [
        (
            "h = :h OR r = :r",
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            "h <> :h AND r = :r",
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: <>",
        ),
        (
            "h = :h AND r.x = :r",
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            "h = :h AND h = :r",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "h = :h AND size(r) = :r",
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations",
        ),
        ("x = :h AND r = :r", "Query condition missed key schema element: h"),
        ("h = :h AND x = :r", "Query condition missed key schema element: r"),
        ("h < :h AND r = :r", "Query key condition not supported"),
        (
            "h = :r AND r = :h",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(key(text).unwrap_err(), expected, "{text}");
    }
}

use crate::value::Kind;

fn paths() -> impl Strategy<Value = Path> {
    let step = prop_oneof!["[a-d]".prop_map(Step::Name), (0_usize..3).prop_map(Step::Index)];
    ("[a-d]", proptest::collection::vec(step, 0..3)).prop_map(|(root, steps)| Path { root, steps })
}

fn operands() -> impl Strategy<Value = Operand> {
    prop_oneof![
        4 => paths().prop_map(Operand::Path),
        4 => scalars().prop_map(Operand::Value),
        1 => paths().prop_map(|path| Operand::Size(Box::new(Operand::Path(path)))),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let comparison = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual),
    ];
    let leaf = prop_oneof![
        (comparison, operands(), operands())
            .prop_map(|(comparison, a, b)| Condition::Compare(comparison, a, b)),
        (operands(), paths(), operands()).prop_map(|(value, low, high)| Condition::Between {
            value,
            low: Operand::Path(low),
            high
        }),
        (operands(), proptest::collection::vec(operands(), 1..4)).prop_map(|(a, b)| Condition::In(a, b)),
        paths().prop_map(Condition::Exists),
        paths().prop_map(Condition::NotExists),
        (paths(), proptest::sample::select(Kind::ALL.to_vec())).prop_map(|(path, kind)| {
            Condition::IsOfType(Operand::Path(path), Operand::Value(kind.name().into()))
        }),
        (paths(), "[a-c]{0,2}").prop_map(|(path, prefix)| {
            Condition::BeginsWith(Operand::Path(path), Operand::Value(Value::Text(prefix)))
        }),
        (paths(), values())
            .prop_map(|(path, member)| { Condition::Contains(Operand::Path(path), Operand::Value(member)) }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::Or),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn terms() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![paths().prop_map(Term::Path), scalars().prop_map(Term::Value)];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let pair = || (paths(), inner.clone());
        prop_oneof![
            pair().prop_map(|(path, other)| Term::Plus(Box::new(Term::Path(path)), Box::new(other))),
            pair().prop_map(|(path, other)| Term::Minus(Box::new(Term::Path(path)), Box::new(other))),
            pair().prop_map(|(path, other)| Term::IfNotExists(path, Box::new(other))),
            pair().prop_map(|(path, other)| Term::Append(Box::new(Term::Path(path)), Box::new(other))),
        ]
    })
}

/// The paths have roots of their own, so that they are never in each other's way.
fn updates() -> impl Strategy<Value = Update> {
    let set = proptest::collection::vec((paths(), terms()), 0..3);
    let numbers = (0_u64..9).prop_map(|number| Value::Number(Number::from_u64(number)));
    (set, proptest::option::of(paths()), proptest::option::of((paths(), numbers))).prop_map(
        |(set, remove, add)| {
            let mut roots = ["a", "b", "c", "d", "e"].into_iter();
            let mut own = |mut path: Path| {
                path.root = roots.next().unwrap_or("z").into();
                path
            };
            Update {
                set: set.into_iter().map(|(path, term)| Assignment { path: own(path), term }).collect(),
                remove: remove.into_iter().map(&mut own).collect(),
                add: add.into_iter().map(|(path, value)| (own(path), value)).collect(),
                delete: Vec::new(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What cannot be said (a path compared with itself, an order of booleans …) is refused, never misread.
    #[test]
    fn a_printed_condition_reads_back_and_holds_alike(condition in conditions(), item in items()) {
        let mut printer = Printer::default();
        let text = printer.condition(&condition);
        if let Ok(read) = parse_condition(&text, Role::Condition, &mut printer.placeholders) {
            prop_assert_eq!(holds(&read, &item), holds(&condition, &item));
            prop_assert_eq!(read, condition, "{}", text);
        }
    }

    #[test]
    fn a_printed_update_reads_back_and_does_alike(update in updates(), item in items()) {
        let mut printer = Printer::default();
        let text = printer.update(&update);
        if let Ok(read) = parse_update(&text, &mut printer.placeholders) {
            prop_assert_eq!(read.apply(&item), update.apply(&item));
            prop_assert_eq!(read, update, "{}", text);
        }
    }

    #[test]
    fn a_printed_projection_reads_back(paths in proptest::collection::vec(paths(), 1..4), item in items()) {
        let projection = Projection { paths, is_flat: false };
        let mut printer = Printer::default();
        let text = printer.projection(&projection);
        if let Ok(read) = parse_projection(&text, &mut printer.placeholders) {
            prop_assert_eq!(&read, &projection);
            let part = read.of(&item);
            prop_assert!(part.keys().all(|name| item.contains_key(name)));
        }
    }

    /// Texts made of what expressions are made of, in any order: an answer, and never a panic.
    #[test]
    fn any_text_is_answered(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "a", "#a", ":a", "(", ")", "[", "]", "0", "99999999999999999999", ".", ",", "=", "<>", "<=", "+", "-",
            "AND", "or", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE", "size(", "contains(",
            "attribute_exists(", "if_not_exists(", "list_append(", "nope(", "name", "é", "\"", "#", ":", "<", " ",
        ]), 0..24)) {
        let text = words.join(" ");
        let mut placeholders = Placeholders::default();
        placeholders.names.insert("#a".into(), "b".into());
        placeholders.values.insert(":a".into(), Value::from("x"));
        for role in [Role::Condition, Role::KeyCondition, Role::Filter] {
            if let Ok(condition) = parse_condition(&text, role, &mut placeholders) {
                let _ = holds(&condition, &Attributes::new());
                let _ = key_conditions_of(condition);
            }
        }
        if let Ok(update) = parse_update(&text, &mut placeholders) {
            let _ = update.apply(&Attributes::new());
        }
        let _ = parse_projection(&text, &mut placeholders);
    }
}
