//! Policies that live and die with their user, group or role.

use serde::Serialize;
use service::Empty;

use crate::group::{self, Group};
use crate::holder::{self, InlinePolicyNames};
use crate::role::{self, Role};
use crate::user::{self, User};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserPolicy {
    user_name: String,
    policy_name: String,
    policy_document: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupPolicy {
    group_name: String,
    policy_name: String,
    policy_document: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RolePolicy {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

operation! {
    PutUserPolicy { user_name: String, policy_name: String, policy_document: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        holder::put_inline::<User>(cx, &this.user_name, &this.policy_name, &this.policy_document).await
    }
}
operation! {
    PutGroupPolicy { group_name: String, policy_name: String, policy_document: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        holder::put_inline::<Group>(cx, &this.group_name, &this.policy_name, &this.policy_document).await
    }
}
operation! {
    PutRolePolicy { role_name: String, policy_name: String, policy_document: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| {
        holder::put_inline::<Role>(cx, &this.role_name, &this.policy_name, &this.policy_document).await
    }
}
operation! {
    GetUserPolicy { user_name: String, policy_name: String } -> UserPolicy,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        let policy_document = holder::inline_document::<User>(cx, &this.user_name, &this.policy_name).await?;
        Ok(UserPolicy { user_name: this.user_name, policy_name: this.policy_name, policy_document })
    }
}
operation! {
    GetGroupPolicy { group_name: String, policy_name: String } -> GroupPolicy,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        let policy_document = holder::inline_document::<Group>(cx, &this.group_name, &this.policy_name).await?;
        Ok(GroupPolicy { group_name: this.group_name, policy_name: this.policy_name, policy_document })
    }
}
operation! {
    GetRolePolicy { role_name: String, policy_name: String } -> RolePolicy,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| {
        let policy_document = holder::inline_document::<Role>(cx, &this.role_name, &this.policy_name).await?;
        Ok(RolePolicy { role_name: this.role_name, policy_name: this.policy_name, policy_document })
    }
}
operation! {
    DeleteUserPolicy { user_name: String, policy_name: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| holder::delete_inline::<User>(cx, &this.user_name, &this.policy_name).await
}
operation! {
    DeleteGroupPolicy { group_name: String, policy_name: String } -> Empty,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| holder::delete_inline::<Group>(cx, &this.group_name, &this.policy_name).await
}
operation! {
    DeleteRolePolicy { role_name: String, policy_name: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| holder::delete_inline::<Role>(cx, &this.role_name, &this.policy_name).await
}
operation! {
    ListUserPolicies { user_name: String, marker: Option<String>, max_items: Option<usize> } -> InlinePolicyNames,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        holder::list_inline::<User>(cx, &this.user_name, this.marker.as_deref(), this.max_items).await
    }
}
operation! {
    ListGroupPolicies { group_name: String, marker: Option<String>, max_items: Option<usize> } -> InlinePolicyNames,
    on |this, cx| group::resource(cx, &this.group_name),
    run |this, _, cx| {
        holder::list_inline::<Group>(cx, &this.group_name, this.marker.as_deref(), this.max_items).await
    }
}
operation! {
    ListRolePolicies { role_name: String, marker: Option<String>, max_items: Option<usize> } -> InlinePolicyNames,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| {
        holder::list_inline::<Role>(cx, &this.role_name, this.marker.as_deref(), this.max_items).await
    }
}
