//! Login profiles: that a user may sign in. Passwords are checked and not kept, since there is nothing to sign in to.

use serde::Serialize;
use service::{Context, Empty, Result};
use wire::Timestamp;

use super::account;
use crate::error::Error;
use crate::holder;
use crate::subject::Subject;
use crate::user::{self, LoginProfile, User};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoginProfileOutput {
    login_profile: LoginProfileView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LoginProfileView {
    user_name: String,
    create_date: Timestamp,
    password_reset_required: bool,
}

impl LoginProfileOutput {
    fn new(user_name: String, profile: &LoginProfile) -> Self {
        LoginProfileOutput {
            login_profile: LoginProfileView {
                user_name,
                create_date: profile.created,
                password_reset_required: profile.password_reset_required,
            },
        }
    }
}

operation! {
    CreateLoginProfile {
        user_name: Option<String>, password: Option<String>, #[serde(default)] password_reset_required: bool,
    } -> LoginProfileOutput,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let name = user_name(cx, this.user_name)?;
        if let Some(password) = &this.password {
            check_password(cx, password).await?;
        }
        let profile = LoginProfile { created: cx.now(), password_reset_required: this.password_reset_required };
        holder::update::<User, _>(cx, &name, |user| {
            if user.login_profile.is_some() {
                return Err(Error::taken(format!("Login Profile for user {name} already exists.")));
            }
            user.login_profile = Some(profile.clone());
            Ok(())
        })
        .await?;
        Ok(LoginProfileOutput::new(name, &profile))
    }
}
operation! {
    GetLoginProfile { user_name: Option<String> } -> LoginProfileOutput,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let name = user_name(cx, this.user_name)?;
        let profile = user::find(cx, &name).await?.login_profile.ok_or_else(|| missing(&name))?;
        Ok(LoginProfileOutput::new(name, &profile))
    }
}
operation! {
    UpdateLoginProfile {
        user_name: String, password: Option<String>, password_reset_required: Option<bool>,
    } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        if let Some(password) = &this.password {
            check_password(cx, password).await?;
        }
        holder::update::<User, _>(cx, &this.user_name, |user| {
            let profile = user.login_profile.as_mut().ok_or_else(|| missing(&this.user_name))?;
            if let Some(required) = this.password_reset_required {
                profile.password_reset_required = required;
            }
            Ok(Empty)
        })
        .await
    }
}
operation! {
    DeleteLoginProfile { user_name: Option<String> } -> Empty,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let name = user_name(cx, this.user_name)?;
        holder::update::<User, _>(cx, &name, |user| {
            user.login_profile.take().map(|_| Empty).ok_or_else(|| missing(&name))
        })
        .await
    }
}

fn user_name(cx: &Context, named: Option<String>) -> Result<String> {
    match Subject::of(cx, named)? {
        Subject::User(name) => Ok(name),
        Subject::Root => Err(crate::error::validation("The root user has no login profile: name a user.")),
    }
}

async fn check_password(cx: &Context, password: &str) -> Result<()> {
    let policy = account::read(cx).await?.password_policy.unwrap_or_default();
    match policy.broken_by(password) {
        Some(rule) => Err(Error::PasswordPolicyViolationException(rule).into()),
        None => Ok(()),
    }
}

fn missing(name: &str) -> Error {
    Error::NoSuchEntityException(format!("Login Profile for User {name} cannot be found."))
}
