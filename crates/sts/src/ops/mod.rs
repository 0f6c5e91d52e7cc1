//! One file an operation.

mod assume_role;
mod get_caller_identity;
mod get_session_token;

pub(crate) use assume_role::AssumeRole;
pub(crate) use get_caller_identity::GetCallerIdentity;
pub(crate) use get_session_token::GetSessionToken;
