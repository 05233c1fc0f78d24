use axum::{Json, extract::State};
use garde::Validate;
use identity::{Grant, Service};
use money::Minor;
use page::Page;
use problem::Query;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{AppState, store};

/// Activity, whose auditor compares the ledger with what was announced.
pub(crate) struct Auditor;

impl Grant for Auditor {
    const CALLER: &'static str = "activity";
    const SCOPE: &'static str = "ledger:read";
}

/// As other lists, with larger pages: whoever asks reads all of them.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Balances {
    /// How many items, 1,000 by default.
    #[garde(range(min = 1, max = 1000))]
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: u32,
    /// The id of an account, which need not be there: the page begins after it.
    #[garde(skip)]
    cursor: Option<Uuid>,
}

fn default_limit() -> u32 {
    1000
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceView {
    account_id: Uuid,
    /// An account of the system, which has no owner: money from and to the outside, and fees.
    system: bool,
    /// The sum of its entries.
    balance_minor: Minor,
    /// How many entries it has.
    entries: i64,
}

/// The balances of all accounts, in the order of their ids.
#[utoipa::path(get, path = "/internal/balances", tag = "internal", params(Balances),
    security(("service" = ["activity", "ledger:read"])), responses((status = 200, body = Page<BalanceView>)))]
pub(crate) async fn list_balances(
    State(app): State<AppState>,
    _: Service<Auditor>,
    Query(query): Query<Balances>,
) -> problem::Result<Json<Page<BalanceView>>> {
    let mut db = app.pool.acquire().await?;
    let after = query.cursor.unwrap_or(Uuid::nil());
    // One more than the page has, to see whether another follows.
    let mut rows = store::balances::all(&mut db, after, i64::from(query.limit) + 1).await?;
    let more = rows.len() > query.limit as usize;
    rows.truncate(query.limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let view = |row: store::balances::BalanceRow| BalanceView {
        account_id: row.id,
        system: row.system,
        balance_minor: Minor(row.balance_minor),
        entries: row.entries,
    };
    Ok(Json(Page {
        items: rows.into_iter().map(view).collect(),
        next_cursor,
        // Whoever reads all of them goes one way.
        previous_cursor: None,
    }))
}
