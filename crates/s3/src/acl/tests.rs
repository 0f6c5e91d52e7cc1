use super::*;

fn me() -> String {
    "a".repeat(64)
}

fn you() -> String {
    "b".repeat(64)
}

fn canned(name: &str) -> Acl {
    Acl::canned(name, &me(), &you()).unwrap()
}

/// Whether a list has a grant to this group or account, of this permission or of full control.
fn grants(acl: &Acl, to: &str, permission: &str) -> bool {
    acl.grants.iter().any(|grant| {
        (grant.permission == permission || grant.permission == FULL_CONTROL)
            && [&grant.grantee.id, &grant.grantee.uri].into_iter().flatten().any(|name| name == to)
    })
}

#[test]
fn canned_lists_grant_what_they_say() {
    let (me, you) = (me(), you());
    for (name, permission, expected) in [
        ("private", READ, [false, false]),
        ("public-read", READ, [true, false]),
        ("public-read", WRITE, [false, false]),
        ("public-read-write", WRITE, [true, false]),
        ("authenticated-read", READ, [false, true]),
        ("bucket-owner-read", READ, [false, false]),
    ] {
        let acl = canned(name);
        let to_groups = [ALL_USERS, AUTHENTICATED_USERS].map(|group| grants(&acl, group, permission));
        assert_eq!(to_groups, expected, "{name} {permission}");
        assert!(grants(&acl, &me, WRITE_ACP), "{name}");
    }
    assert!(grants(&canned("bucket-owner-read"), &you, READ));
    assert!(!grants(&canned("bucket-owner-read"), &you, READ_ACP));
    assert!(grants(&canned("bucket-owner-full-control"), &you, READ_ACP));
    assert_eq!(Acl::canned("open", &me, &you).unwrap_err().code(), "InvalidArgument");
}

#[test]
fn public_lists_are_known_and_can_be_narrowed() {
    for name in ["public-read", "public-read-write", "authenticated-read"] {
        assert!(canned(name).is_public(), "{name}");
        assert!(!canned(name).without_public().is_public(), "{name}");
        assert!(!canned(name).is_owners_alone(&you()), "{name}");
    }
    for name in ["private", "bucket-owner-full-control"] {
        assert!(!canned(name).is_public() && canned(name).is_owners_alone(&you()), "{name}");
    }
    assert!(!canned("log-delivery-write").is_public());
}

#[test]
fn headers_are_read() {
    let (me, you) = (me(), you());
    let read = format!("id=\"{you}\", uri={ALL_USERS}");
    let headers = GrantHeaders { read: Some(&read), ..GrantHeaders::default() };
    let acl = headers.acl(&me, &me).unwrap().unwrap();
    assert_eq!(acl.grants.len(), 2);
    assert!(grants(&acl, ALL_USERS, READ) && grants(&acl, &you, READ));
    assert!(!grants(&acl, &me, READ_ACP));
    assert_eq!(GrantHeaders::default().acl(&me, &me).unwrap(), None);
    let refused = |headers: GrantHeaders<'_>| headers.acl(&me, &me).unwrap_err().code();
    let of = |read: &'static str| GrantHeaders { read: Some(read), ..GrantHeaders::default() };
    assert_eq!(refused(of("everybody")), "InvalidArgument");
    assert_eq!(refused(of("id=\"short\"")), "InvalidArgument");
    assert_eq!(refused(of("uri=http://example.com")), "InvalidArgument");
    assert_eq!(refused(of("emailAddress=\"a@example.com\"")), "UnresolvableGrantByEmailAddress");
    assert_eq!(refused(GrantHeaders { canned: Some("private"), ..headers }), "InvalidRequest");
    let many = |count: usize| vec![format!("id={you}"); count].join(",");
    let (fits, exceeds) = (many(GRANTS_MAX), many(GRANTS_MAX + 1));
    assert!(GrantHeaders { read: Some(&fits), ..GrantHeaders::default() }.acl(&me, &me).is_ok());
    assert_eq!(refused(GrantHeaders { read: Some(&exceeds), ..GrantHeaders::default() }), "InvalidRequest");
}

#[test]
fn bodies_are_checked() {
    let me = me();
    let read = |json: serde_json::Value| {
        Acl::sent(serde_json::from_value(json).unwrap(), &me).map_err(|error| error.code())
    };
    let grant = |grantee: serde_json::Value| serde_json::json!({"Owner": {"ID": me}, "Grants": [{"Grantee": grantee, "Permission": "READ"}]});
    assert!(read(grant(serde_json::json!({"Type": "Group", "URI": ALL_USERS}))).unwrap().is_public());
    assert_eq!(read(grant(serde_json::json!({"Type": "Group", "URI": "x"}))), Err("InvalidArgument"));
    assert_eq!(read(grant(serde_json::json!({"Type": "CanonicalUser", "ID": "x"}))), Err("InvalidArgument"));
    assert_eq!(read(grant(serde_json::json!({"Type": "CanonicalUser"}))), Err("MalformedACLError"));
    assert_eq!(read(serde_json::json!({"Grants": []})), Err("MalformedACLError"));
    assert_eq!(read(serde_json::json!({"Owner": {"ID": you()}, "Grants": []})), Err("AccessDenied"));
    let mut odd = grant(serde_json::json!({"Type": "Group", "URI": ALL_USERS}));
    odd["Grants"][0]["Permission"] = "LIST".into();
    assert_eq!(read(odd), Err("MalformedACLError"));
}
