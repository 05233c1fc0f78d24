use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use identity::User;
use problem::Problem;
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::{AccountView, account_closed, account_not_found, is_line};
use crate::{
    AppState,
    store::{
        account_types,
        accounts::{self, NewAccount},
    },
};

/// As many as one user may have that are not closed.
const MOST_OPEN: i64 = 20;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenAccountRequest {
    /// A new random UUID (version 4 or 7), so that a repeat opens nothing more. Without it each request opens an account.
    #[garde(inner(custom(is_random)))]
    id: Option<Uuid>,
    /// As `GET /account-types` lists them.
    #[garde(length(bytes, max = 32))]
    #[schema(example = "savings", max_length = 32)]
    r#type: String,
    /// ISO 4217.
    #[garde(length(bytes, max = 32))]
    #[schema(example = "EUR", max_length = 32)]
    currency: String,
    /// Without it: the name of the type.
    #[garde(inner(length(chars, max = 60), custom(is_line)))]
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
}

fn is_random(id: &Uuid, _: &()) -> garde::Result {
    if matches!(id.get_version_num(), 4 | 7) {
        Ok(())
    } else {
        Err(garde::Error::new("is no UUID of version 4 or 7"))
    }
}

/// Opens an account; the first one of a user is the default. A repeat with the same `id`, type and currency answers the
/// account as it is now, whatever its name: it may have got another one since.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = OpenAccountRequest,
    security(("bearer" = ["user"])),
    responses((status = 201, body = AccountView),
        (status = 409, description = "too_many_accounts, account_exists, account_closed (the user was erased)"),
        (status = 422, description = "account_type_not_offered")))]
pub(crate) async fn open_account(
    State(app): State<AppState>,
    user: User,
    problem::Json(request): problem::Json<OpenAccountRequest>,
) -> problem::Result<(StatusCode, Json<AccountView>)> {
    let id = request.id.unwrap_or_else(Uuid::now_v7);
    let mut tx = app.pool.begin().await?;
    // The count below holds only while nobody else opens accounts for this user.
    accounts::lock_user(&mut tx, user.id).await?;
    if !is_open_already(&mut tx, user.id, id, &request).await? {
        accounts::provision(&mut tx, user.id).await?;
        open(&mut tx, user.id, id, &request).await?;
    }
    let account = accounts::find(&mut tx, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(account.into())))
}

/// Whether an earlier request has opened it.
async fn is_open_already(
    db: &mut PgConnection,
    owner: Uuid,
    id: Uuid,
    request: &OpenAccountRequest,
) -> problem::Result<bool> {
    let Some(account) = accounts::find_anybodys(db, id).await? else {
        return Ok(false);
    };
    let same = account.owner == owner
        && account.r#type.as_str() == request.r#type
        && account.currency.code() == request.currency;
    if same { Ok(true) } else { Err(account_exists()) }
}

async fn open(
    db: &mut PgConnection,
    owner: Uuid,
    id: Uuid,
    request: &OpenAccountRequest,
) -> problem::Result<()> {
    if !account_types::is_offered(db, &request.r#type, &request.currency).await? {
        return Err(account_type_not_offered());
    }
    let (open, erased) = accounts::standing(db, owner).await?;
    if erased {
        return Err(account_closed());
    }
    if open >= MOST_OPEN {
        return Err(too_many_accounts());
    }
    let new = NewAccount {
        id,
        owner,
        r#type: &request.r#type,
        currency: &request.currency,
        name: request.name.as_deref().map(str::trim),
    };
    if accounts::open(db, &new).await? {
        Ok(())
    } else {
        Err(account_exists())
    }
}

fn account_type_not_offered() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "account_type_not_offered",
        "Accounts of this type and currency can't be opened",
    )
}

fn too_many_accounts() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "too_many_accounts",
        "This user has as many accounts as one may have",
    )
}

fn account_exists() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "account_exists",
        "There is another account of this id",
    )
}
