use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use identity::Operator;
use problem::Result;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audit::{Balance, Finding, Kind};
use crate::{AppState, store};

const CODE: &str = "ledger_difference";
/// The oldest differences; where there are more, there is one cause.
const MOST: i64 = 100;

#[derive(Serialize, ToSchema)]
pub struct AuditView {
    status: AuditStatus,
    /// When all accounts were last compared. Null: they have not been yet.
    finished_at: Option<DateTime<Utc>>,
    /// How many accounts that were.
    accounts_compared: i64,
    /// The oldest differences, 100 at most.
    differences: Vec<DifferenceView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditStatus {
    /// All accounts are as their events say.
    Sound,
    Different,
    /// No pass over all accounts is done yet.
    NotRun,
}

/// A problem as RFC 9457 §3 shapes it, of an account.
#[derive(Serialize, ToSchema)]
pub struct DifferenceView {
    r#type: String,
    title: &'static str,
    code: &'static str,
    kind: Kind,
    account_id: Uuid,
    ledger: Balance,
    /// What the events add up to.
    audited: Balance,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
}

impl From<Finding> for DifferenceView {
    fn from(finding: Finding) -> Self {
        Self {
            r#type: format!("/errors/{CODE}"),
            title: "The ledger is not what its events say",
            code: CODE,
            kind: finding.kind,
            account_id: finding.account.id,
            ledger: finding.account.ledger,
            audited: finding.account.audited,
            first_seen_at: finding.first_seen_at,
            last_seen_at: finding.last_seen_at,
        }
    }
}

/// Whether the balances of the ledger are what the events of transactions add up to.
#[utoipa::path(get, path = "/admin/audit", tag = "admin", security(("bearer" = ["operator"])),
    responses((status = 200, body = AuditView)))]
pub async fn show_audit(State(app): State<AppState>, _: Operator) -> Result<Json<AuditView>> {
    let mut conn = app.pool.acquire().await?;
    let pass = store::audit::last_pass(&mut conn).await?;
    let differences = store::audit::differences(&mut conn, MOST).await?;
    let status = match &pass {
        _ if !differences.is_empty() => AuditStatus::Different,
        Some(_) => AuditStatus::Sound,
        None => AuditStatus::NotRun,
    };
    Ok(Json(AuditView {
        status,
        finished_at: pass.as_ref().map(|pass| pass.finished_at),
        accounts_compared: pass.map_or(0, |pass| pass.accounts_compared),
        differences: differences.into_iter().map(DifferenceView::from).collect(),
    }))
}
