//! Whom an operation without a user name means: the caller.

use service::{Arn, Context, Principal, Result};

use crate::error::validation;
use crate::user;

pub(crate) enum Subject {
    /// The account itself.
    Root,
    User(String),
}

impl Subject {
    /// The named user, or who calls.
    pub(crate) fn of(cx: &Context, user_name: Option<String>) -> Result<Self> {
        match (user_name, &cx.caller().principal) {
            (Some(name), _) => Ok(Subject::User(name)),
            (None, Principal::User { name, .. }) => Ok(Subject::User(name.clone())),
            (None, Principal::Root { .. }) => Ok(Subject::Root),
            (None, _) => Err(validation("Must specify userName when calling with non-User credentials")),
        }
    }

    /// What a policy decision sees.
    pub(crate) fn resource(cx: &Context, user_name: Option<&str>) -> Arn {
        match (user_name, &cx.caller().principal) {
            (Some(name), _) => user::resource(cx, name),
            (None, Principal::User { name, path, .. }) => user::resource_at(cx, Some(path), name),
            (None, _) => Arn::global("iam", cx.scope(), "root"),
        }
    }
}
