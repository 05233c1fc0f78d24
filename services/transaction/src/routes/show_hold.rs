use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use identity::User;
use money::Money;
use problem::Path;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::end_hold::hold_not_found;
use crate::{
    AppState,
    domain::{Kind, State as Progress, Transaction},
    store::{self, holds::End},
};

/// A hold, as its parties see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldView {
    pub id: Uuid,
    pub state: HoldStateView,
    pub from_account_id: Option<Uuid>,
    pub to_account_id: Option<Uuid>,
    pub amount: Money,
    /// What was captured of it. Null: nothing.
    pub captured: Option<Money>,
    pub description: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// The transaction that has ended it.
    pub ended_by: Option<Uuid>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldStateView {
    /// The ledger has not answered yet.
    Pending,
    Authorized,
    Captured,
    Voided,
    Expired,
    /// It was refused.
    Failed,
}

impl HoldView {
    pub fn of(hold: Transaction, end: Option<End>) -> Self {
        // What is about to end it may still be refused.
        let end = end.filter(|end| end.completed_at.is_some());
        let state = match (hold.state, &end) {
            (Progress::Pending, _) => HoldStateView::Pending,
            (Progress::Failed(_), _) => HoldStateView::Failed,
            (Progress::Completed(_), None) => HoldStateView::Authorized,
            (Progress::Completed(_), Some(end)) => match end.kind {
                Kind::Capture => HoldStateView::Captured,
                Kind::Void => HoldStateView::Voided,
                _ => HoldStateView::Expired,
            },
        };
        let captured = end.as_ref().filter(|end| end.kind == Kind::Capture);
        let order = hold.order;
        Self {
            id: hold.id,
            state,
            from_account_id: order.from,
            to_account_id: order.to,
            amount: order.amount,
            captured: captured.map(|end| Money {
                amount_minor: end.amount,
                ..order.amount
            }),
            description: order.description,
            created_at: hold.created_at,
            expires_at: order.about.until(),
            ended_at: end.as_ref().and_then(|end| end.completed_at),
            ended_by: end.map(|end| end.transaction_id),
        }
    }
}

/// One hold, for either party: who is to receive the money sees it once it is authorised.
#[utoipa::path(get, path = "/holds/{id}", tag = "holds", params(("id" = Uuid, Path)), security(("bearer" = ["user"])),
    responses((status = 200, body = HoldView), (status = 404, description = "hold_not_found")))]
pub(crate) async fn show_hold(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<HoldView>> {
    let mut db = app.pool.acquire().await?;
    let hold = store::find(&mut db, user.id, id)
        .await?
        .filter(|found| found.order.kind == Kind::Hold)
        .ok_or_else(hold_not_found)?;
    let end = store::holds::end_of(&mut db, id).await?;
    Ok(Json(HoldView::of(hold, end)))
}
