//! The policy that bounds what a user or a role may be allowed.

use service::Empty;

use crate::conditions;
use crate::holder;
use crate::role::{self, Role};
use crate::user::{self, User};

operation! {
    PutUserPermissionsBoundary { user_name: String, permissions_boundary: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    keys |this| conditions::one("iam:PermissionsBoundary", &this.permissions_boundary),
    run |this, _, cx| {
        holder::set_boundary::<User>(cx, &this.user_name, Some(this.permissions_boundary)).await
    }
}
operation! {
    PutRolePermissionsBoundary { role_name: String, permissions_boundary: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    keys |this| conditions::one("iam:PermissionsBoundary", &this.permissions_boundary),
    run |this, _, cx| {
        holder::set_boundary::<Role>(cx, &this.role_name, Some(this.permissions_boundary)).await
    }
}
operation! {
    DeleteUserPermissionsBoundary { user_name: String } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| holder::set_boundary::<User>(cx, &this.user_name, None).await
}
operation! {
    DeleteRolePermissionsBoundary { role_name: String } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| holder::set_boundary::<Role>(cx, &this.role_name, None).await
}
