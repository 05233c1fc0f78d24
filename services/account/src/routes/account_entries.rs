use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use identity::User;
use money::{Minor, Money};
use page::{Page, Paging};
use problem::{Path, Query};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::account_not_found;
use crate::{AppState, store};

/// One movement of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView {
    /// The posting that made it, which is the id of the transaction.
    posting_id: Uuid,
    /// Counts the entries of the account from 1, without gaps.
    sequence: i64,
    /// Negative: money left the account.
    amount: Money,
    /// The balance right after it.
    balance_minor: Minor,
    created_at: DateTime<Utc>,
}

/// The entries of one account of the caller, newest first.
#[utoipa::path(get, path = "/accounts/{id}/entries", tag = "accounts", params(("id" = Uuid, Path), Paging),
    security(("bearer" = ["user"])),
    responses((status = 200, body = Page<EntryView>), (status = 404, description = "account_not_found")))]
pub(crate) async fn account_entries(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<EntryView>>> {
    let place = paging.place()?;
    let mut db = app.pool.acquire().await?;
    let account = store::accounts::find(&mut db, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    let rows = store::accounts::entries(&mut db, account.id, place, paging.rows()).await?;
    Ok(Json(paging.page(
        &place,
        rows,
        |row| row.sequence,
        |row| EntryView {
            posting_id: row.posting_id,
            sequence: row.sequence,
            amount: Money {
                amount_minor: Minor(row.amount_minor),
                currency: account.currency,
            },
            balance_minor: Minor(row.balance_minor),
            created_at: row.created_at,
        },
    )))
}
