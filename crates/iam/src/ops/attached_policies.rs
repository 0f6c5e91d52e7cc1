//! Managed policies on users, groups and roles.

use service::{Context, Empty};

use crate::conditions;
use crate::group::{self, Group};
use crate::holder::{self, AttachedPolicies};
use crate::role::{self, Role};
use crate::user::{self, User};

operation! {
    AttachUserPolicy { user_name: String, policy_arn: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::attach::<User>(cx, &this.user_name, &this.policy_arn).await
}
operation! {
    AttachGroupPolicy { group_name: String, policy_arn: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::attach::<Group>(cx, &this.group_name, &this.policy_arn).await
}
operation! {
    AttachRolePolicy { role_name: String, policy_arn: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::attach::<Role>(cx, &this.role_name, &this.policy_arn).await
}
operation! {
    DetachUserPolicy { user_name: String, policy_arn: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::detach::<User>(cx, &this.user_name, &this.policy_arn).await
}
operation! {
    DetachGroupPolicy { group_name: String, policy_arn: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::detach::<Group>(cx, &this.group_name, &this.policy_arn).await
}
operation! {
    DetachRolePolicy { role_name: String, policy_arn: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    keys |this| conditions::one("iam:PolicyARN", &this.policy_arn),
    run |this, _, cx| holder::detach::<Role>(cx, &this.role_name, &this.policy_arn).await
}
operation! {
    ListAttachedUserPolicies {
        user_name: String, path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize>,
    } -> AttachedPolicies,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| list::<User>(cx, &this.user_name, this.path_prefix, this.marker, this.max_items).await
}
operation! {
    ListAttachedGroupPolicies {
        group_name: String, path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize>,
    } -> AttachedPolicies,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| list::<Group>(cx, &this.group_name, this.path_prefix, this.marker, this.max_items).await
}
operation! {
    ListAttachedRolePolicies {
        role_name: String, path_prefix: Option<String>, marker: Option<String>, max_items: Option<usize>,
    } -> AttachedPolicies,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| list::<Role>(cx, &this.role_name, this.path_prefix, this.marker, this.max_items).await
}

async fn list<H: holder::Holder>(
    cx: &Context,
    name: &str,
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
) -> service::Result<AttachedPolicies> {
    holder::list_attached::<H>(cx, name, path_prefix.as_deref(), marker.as_deref(), max_items).await
}
