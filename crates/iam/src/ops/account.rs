//! The account's alias and password policy.

use serde::Serialize;
use service::{Changes, Context, Empty, Result, Row};

use crate::account::{ACCOUNTS, ALIASES, Account, AliasOwner, ONLY, PasswordPolicy};
use crate::error::{Error, validation};
use crate::holder::committed;
use crate::page::PageEnd;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasesOutput {
    account_aliases: Vec<String>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PasswordPolicyOutput {
    password_policy: PasswordPolicy,
}

operation! {
    CreateAccountAlias { account_alias: String } -> Empty,
    run |this, _, cx| {
        let alias = &this.account_alias;
        check_alias(alias)?;
        committed("the account", || async {
            let owner = cx.rows(&ALIASES).get(alias).await?;
            let row = cx.rows(&ACCOUNTS).row(ONLY).await?;
            let before = row.as_ref().and_then(|row| row.value.alias.clone());
            if before.as_ref() == Some(alias) && owner.is_some() {
                return Ok((None, Empty));
            }
            if owner.is_some() {
                return Err(Error::taken(format!("The account alias {alias} already exists.")).into());
            }
            let mine = AliasOwner { account: cx.account().to_string() };
            let mut changes = cx.changes().insert(&ALIASES, alias, &mine)?;
            if let Some(before) = before {
                changes = changes.remove(&ALIASES, &before);
            }
            let alias = Some(alias.clone());
            Ok((Some(set(changes, row, |account| account.alias.clone_from(&alias))?), Empty))
        })
        .await
    }
}
operation! {
    DeleteAccountAlias { account_alias: String } -> Empty,
    run |this, _, cx| {
        let alias = &this.account_alias;
        committed("the account", || async {
            let row = cx.rows(&ACCOUNTS).row(ONLY).await?;
            if row.as_ref().and_then(|row| row.value.alias.as_ref()) != Some(alias) {
                return Err(Error::NoSuchEntityException(format!(
                    "The account alias with name {alias} cannot be found."
                ))
                .into());
            }
            let changes = cx.changes().remove(&ALIASES, alias);
            Ok((Some(set(changes, row, |account| account.alias = None)?), Empty))
        })
        .await
    }
}
operation! {
    ListAccountAliases {} -> AliasesOutput,
    run |_, _, cx| {
        let account = read(cx).await?;
        let end = PageEnd { is_truncated: false, marker: None };
        Ok(AliasesOutput { account_aliases: account.alias.into_iter().collect(), end })
    }
}
operation! {
    UpdateAccountPasswordPolicy {
        minimum_password_length: Option<i64>,
        require_symbols: Option<bool>,
        require_numbers: Option<bool>,
        require_uppercase_characters: Option<bool>,
        require_lowercase_characters: Option<bool>,
        allow_users_to_change_password: Option<bool>,
        max_password_age: Option<i64>,
        password_reuse_prevention: Option<i64>,
        hard_expiry: Option<bool>,
    } -> Empty,
    run |this, _, cx| {
        let policy = PasswordPolicy {
            minimum_password_length: this.minimum_password_length.unwrap_or(6),
            require_symbols: this.require_symbols.unwrap_or(false),
            require_numbers: this.require_numbers.unwrap_or(false),
            require_uppercase_characters: this.require_uppercase_characters.unwrap_or(false),
            require_lowercase_characters: this.require_lowercase_characters.unwrap_or(false),
            allow_users_to_change_password: this.allow_users_to_change_password.unwrap_or(false),
            expire_passwords: this.max_password_age.is_some(),
            max_password_age: this.max_password_age,
            password_reuse_prevention: this.password_reuse_prevention,
            hard_expiry: this.hard_expiry,
        };
        change(cx, |account| {
            account.password_policy = Some(policy.clone());
            Ok(())
        })
        .await
    }
}
operation! {
    GetAccountPasswordPolicy {} -> PasswordPolicyOutput,
    run |_, _, cx| {
        let account = read(cx).await?;
        let password_policy = account.password_policy.ok_or_else(|| no_password_policy(cx))?;
        Ok(PasswordPolicyOutput { password_policy })
    }
}
operation! {
    DeleteAccountPasswordPolicy {} -> Empty,
    run |_, _, cx| {
        change(cx, |account| {
            account.password_policy.take().map(drop).ok_or_else(|| no_password_policy(cx))
        })
        .await
    }
}

pub(super) async fn read(cx: &Context) -> Result<Account> {
    Ok(cx.rows(&ACCOUNTS).get(ONLY).await?.unwrap_or_default())
}

/// Adds the change of the account's row, which need not be there yet.
pub(super) fn set<'a>(
    changes: Changes<'a>,
    row: Option<Row<Account>>,
    change: impl FnOnce(&mut Account),
) -> Result<Changes<'a>> {
    match row {
        Some(mut row) => {
            change(&mut row.value);
            changes.replace(&ACCOUNTS, ONLY, &row)
        }
        None => {
            let mut account = Account::default();
            change(&mut account);
            changes.insert(&ACCOUNTS, ONLY, &account)
        }
    }
}

async fn change(
    cx: &Context,
    change: impl Fn(&mut Account) -> std::result::Result<(), Error>,
) -> Result<Empty> {
    let change = &change;
    committed("the account", || async {
        let row = cx.rows(&ACCOUNTS).row(ONLY).await?;
        let mut account = row.as_ref().map(|row| row.value.clone()).unwrap_or_default();
        change(&mut account)?;
        Ok((Some(set(cx.changes(), row, |old| *old = account)?), Empty))
    })
    .await
}

fn no_password_policy(cx: &Context) -> Error {
    Error::NoSuchEntityException(format!(
        "The Password Policy with domain name {} cannot be found.",
        cx.account()
    ))
}

fn check_alias(alias: &str) -> Result<()> {
    let plain = alias.bytes().all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == b'-');
    let ends = alias.starts_with('-') || alias.ends_with('-') || alias.contains("--");
    let digits = alias.len() == 12 && alias.bytes().all(|next| next.is_ascii_digit());
    if (3..=63).contains(&alias.len()) && plain && !ends && !digits {
        return Ok(());
    }
    Err(validation(
        "The account alias must be 3 to 63 lower-case letters, digits and single hyphens, and no account number.",
    ))
}
