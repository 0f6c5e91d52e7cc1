//! Long-lived access keys, of users and of the account itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::{Context, Empty, Result, Row};
use wire::Timestamp;

use super::account;
use crate::access_key::{ACCESS_KEYS, AccessKeyRow, KeyUser};
use crate::account::{ACCOUNTS, ONLY};
use crate::error::Error;
use crate::holder::{self, committed};
use crate::limits::ACCESS_KEYS_PER_USER_MAX;
use crate::page::{self, PageEnd};
use crate::role::key;
use crate::subject::Subject;
use crate::user::{self, USERS, User};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatedOutput {
    access_key: Created,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    secret_access_key: String,
    create_date: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeysOutput {
    access_key_metadata: Vec<Metadata>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    create_date: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LastUsedOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    access_key_last_used: LastUsedView,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LastUsedView {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_date: Option<Timestamp>,
    service_name: String,
    region: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Inactive,
    Expired,
}

operation! {
    CreateAccessKey { user_name: Option<String> } -> CreatedOutput,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, iam, cx| {
        let subject = &Subject::of(cx, this.user_name)?;
        let id = &format!("AKIA{}", cx.platform().ids().upper_alphanumeric::<16>());
        let secret = STANDARD.encode(cx.platform().ids().bytes::<30>());
        let sealed_secret = &iam.identities.seal_secret(id, &secret);
        let created = cx.now();
        let user_name = committed("the owner of an access key", || async {
            let row = |user| AccessKeyRow {
                account: cx.account().to_string(),
                user,
                sealed_secret: sealed_secret.clone(),
                active: true,
                created,
                last_used: None,
            };
            match subject {
                Subject::User(name) => {
                    let mut owner = holder::row::<User>(cx, name).await?;
                    let user = &mut owner.value;
                    check_quota(&user.access_keys)?;
                    user.access_keys.push(id.clone());
                    let held = KeyUser { name: name.clone(), path: user.path.clone(), id: user.id.clone() };
                    let changes = cx.changes().insert(&ACCESS_KEYS, id, &row(Some(held)))?;
                    Ok((Some(changes.replace(&USERS, &key(name), &owner)?), name.clone()))
                }
                Subject::Root => {
                    let owner = cx.rows(&ACCOUNTS).row(ONLY).await?;
                    check_quota(owner.as_ref().map_or(&[], |owner| &owner.value.access_keys))?;
                    let changes = cx.changes().insert(&ACCESS_KEYS, id, &row(None))?;
                    let changes = account::set(changes, owner, |account| account.access_keys.push(id.clone()))?;
                    Ok((Some(changes), cx.account().to_string()))
                }
            }
        })
        .await?;
        let access_key = Created {
            user_name,
            access_key_id: id.clone(),
            status: "Active",
            secret_access_key: secret,
            create_date: created,
        };
        Ok(CreatedOutput { access_key })
    }
}
operation! {
    ListAccessKeys { user_name: Option<String>, marker: Option<String>, max_items: Option<usize> } -> KeysOutput,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let (user_name, ids) = match Subject::of(cx, this.user_name)? {
            Subject::User(name) => {
                let ids = user::find(cx, &name).await?.access_keys;
                (name, ids)
            }
            Subject::Root => (cx.account().to_string(), account::read(cx).await?.access_keys),
        };
        let mut keys = Vec::new();
        for (place, id) in ids.into_iter().enumerate() {
            if let Some(row) = cx.rows(&ACCESS_KEYS).get(&id).await? {
                let metadata = Metadata {
                    user_name: user_name.clone(),
                    access_key_id: id,
                    status: status(&row),
                    create_date: row.created,
                };
                keys.push((format!("{place:02}"), metadata));
            }
        }
        let (access_key_metadata, end) = page::cut(keys, this.marker.as_deref(), this.max_items)?;
        Ok(KeysOutput { access_key_metadata, end })
    }
}
operation! {
    UpdateAccessKey { user_name: Option<String>, access_key_id: String, status: Status } -> Empty,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let (subject, id) = (&Subject::of(cx, this.user_name)?, &this.access_key_id);
        if this.status == Status::Expired {
            return Err(crate::error::validation("The status of an access key is set to Active or Inactive."));
        }
        let active = this.status == Status::Active;
        committed("the access key", || async {
            let mut row = held_by(cx, subject, id).await?;
            row.value.active = active;
            Ok((Some(cx.changes().replace(&ACCESS_KEYS, id, &row)?), Empty))
        })
        .await
    }
}
operation! {
    DeleteAccessKey { user_name: Option<String>, access_key_id: String } -> Empty,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        let (subject, id) = (&Subject::of(cx, this.user_name)?, &this.access_key_id);
        committed("the access key", || async {
            let row = held_by(cx, subject, id).await?;
            let changes = cx.changes().remove_row(&ACCESS_KEYS, id, &row);
            let changes = match subject {
                Subject::User(name) => {
                    let mut owner = holder::row::<User>(cx, name).await?;
                    owner.value.access_keys.retain(|held| held != id);
                    changes.replace(&USERS, &key(name), &owner)?
                }
                Subject::Root => {
                    let owner = cx.rows(&ACCOUNTS).row(ONLY).await?;
                    account::set(changes, owner, |account| account.access_keys.retain(|held| held != id))?
                }
            };
            Ok((Some(changes), Empty))
        })
        .await
    }
}
operation! {
    GetAccessKeyLastUsed { access_key_id: String } -> LastUsedOutput,
    run |this, iam, cx| {
        let id = &this.access_key_id;
        let row = cx.rows(&ACCESS_KEYS).get(id).await?.filter(|row| row.is_of(cx.account()));
        let row = row.ok_or_else(|| missing(id))?;
        let used = iam.identities.last_use(id).or(row.last_used);
        let access_key_last_used = match used {
            Some(used) => {
                LastUsedView { last_used_date: Some(used.at), service_name: used.service, region: used.region }
            }
            None => LastUsedView { last_used_date: None, service_name: "N/A".into(), region: "N/A".into() },
        };
        Ok(LastUsedOutput { user_name: row.user.map(|user| user.name), access_key_last_used })
    }
}

/// The key's row, when it belongs to the subject.
async fn held_by(cx: &Context, subject: &Subject, id: &str) -> Result<Row<AccessKeyRow>> {
    if let Subject::User(name) = subject {
        user::find(cx, name).await?;
    }
    let row = cx.rows(&ACCESS_KEYS).row(id).await?.filter(|row| {
        let owner = row.value.user.as_ref().map(|user| user.name.as_str());
        let asked = match subject {
            Subject::User(name) => Some(name.as_str()),
            Subject::Root => None,
        };
        row.value.is_of(cx.account()) && owner == asked
    });
    Ok(row.ok_or_else(|| missing(id))?)
}

fn check_quota(keys: &[String]) -> std::result::Result<(), Error> {
    if keys.len() < ACCESS_KEYS_PER_USER_MAX {
        return Ok(());
    }
    Err(Error::over_quota("AccessKeysPerUser", ACCESS_KEYS_PER_USER_MAX))
}

fn missing(id: &str) -> Error {
    Error::NoSuchEntityException(format!("The Access Key with id {id} cannot be found."))
}

fn status(row: &AccessKeyRow) -> &'static str {
    if row.active { "Active" } else { "Inactive" }
}
