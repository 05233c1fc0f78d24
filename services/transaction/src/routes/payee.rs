//! Who is to be paid: an account, or a person by name or by what the caller calls them.

use axum::{http::StatusCode, response::Response};
use money::Currency;
use problem::{FieldError, Problem};
use uuid::Uuid;

use super::idempotent::{answered, make};
use crate::{
    AppState,
    domain::{IdempotencyKey, Order, RequestHash},
    people::Known,
    store,
};

/// What a request says of it: one of three.
pub(super) enum To {
    Account(Uuid),
    Username(String),
    Alias(String),
}

/// Where the money goes.
pub(super) struct Payee {
    pub account_id: Uuid,
    /// None: the request named an account.
    pub user_id: Option<Uuid>,
}

impl To {
    /// Refuses a request that names none or more than one.
    pub fn one_of(
        account_id: Option<Uuid>,
        username: Option<&String>,
        alias: Option<&String>,
    ) -> problem::Result<Self> {
        match (account_id, username, alias) {
            (Some(id), None, None) => Ok(Self::Account(id)),
            (None, Some(name), None) => Ok(Self::Username(name.clone())),
            (None, None, Some(alias)) => Ok(Self::Alias(alias.clone())),
            _ => Err(invalid(
                "to_account_id",
                "give one of to_account_id, to_username and to_alias",
            )),
        }
    }

    fn is_name(&self) -> bool {
        !matches!(self, Self::Account(_))
    }

    /// Looks a name up. It has to be the caller's contact where it is an alias.
    pub async fn resolve(self, app: &AppState, caller: Uuid, currency: Currency) -> problem::Result<Payee> {
        let user_id = match self {
            Self::Account(account_id) => {
                return Ok(Payee {
                    account_id,
                    user_id: None,
                });
            }
            Self::Username(name) => person_named(app, &name).await?.user_id,
            Self::Alias(alias) => {
                let mut db = app.pool.acquire().await?;
                store::contacts::by_alias(&mut db, caller, &alias)
                    .await?
                    .ok_or_else(payee_not_found)?
            }
        };
        let account_id = app.people.account_of(user_id, currency).await?;
        Ok(Payee {
            account_id: account_id.ok_or_else(payee_not_found)?,
            user_id: Some(user_id),
        })
    }
}

/// As [`make`], for an order whose payee is looked up first. A name may mean nobody any more when a request comes again, so
/// then the key is looked up before the name.
pub(super) async fn make_to(
    app: &AppState,
    (user, key, hash): (Uuid, IdempotencyKey, RequestHash),
    (to, currency): (To, Currency),
    order: impl FnOnce(Payee) -> Order,
) -> problem::Result<Response> {
    if to.is_name()
        && let Some(answer) = answered(app, user, &key, hash).await?
    {
        return Ok(answer);
    }
    let payee = to.resolve(app, user, currency).await?;
    make(app, key, hash, order(payee)).await
}

/// Whose name it is. The name is remembered.
pub(super) async fn person_named(app: &AppState, name: &str) -> problem::Result<Known> {
    let known = app.people.named(name).await?.ok_or_else(payee_not_found)?;
    store::people::remember(&mut *app.pool.acquire().await?, &known).await?;
    Ok(known)
}

/// Who it is that has this id. The name is remembered.
pub(super) async fn person(app: &AppState, user_id: Uuid) -> problem::Result<Known> {
    let known = app.people.by_id(user_id).await?.ok_or_else(payee_not_found)?;
    store::people::remember(&mut *app.pool.acquire().await?, &known).await?;
    Ok(known)
}

/// Nobody has this name, or whoever has it takes no money of this currency: the answer does not tell which.
pub(super) fn payee_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "payee_not_found",
        "There is nobody of this name who takes this currency",
    )
}

/// A rule between the fields of a body, which no field breaks by itself.
pub(super) fn invalid(field: &str, message: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
    .errors(vec![FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }])
}
