//! The ledger, as far as the auditor asks it: how the accounts stand.

use anyhow::anyhow;
use axum::http::Method;
use identity::Identity;
use serde::Deserialize;
use sidecar::Sidecar;
use uuid::Uuid;

use crate::domain::audit::Balance;

#[derive(Clone)]
pub struct Ledger {
    sidecar: Sidecar,
    identity: Identity,
}

/// Some accounts, in the order of their ids.
#[derive(Deserialize)]
pub struct LedgerPage {
    pub items: Vec<LedgerAccount>,
    /// None: there are no accounts after these.
    pub next_cursor: Option<Uuid>,
}

#[derive(Deserialize)]
pub struct LedgerAccount {
    pub account_id: Uuid,
    /// It has no owner.
    pub system: bool,
    #[serde(flatten)]
    pub balance: Balance,
}

impl Ledger {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// At most `limit` accounts after the account `after`.
    pub async fn balances(&self, after: Uuid, limit: i64) -> anyhow::Result<LedgerPage> {
        let bearer = self
            .identity
            .bearer("account", "ledger:read")
            .await
            .map_err(|problem| anyhow!("no token for the ledger: {}", problem.code()))?;
        let path = format!("/internal/balances?cursor={after}&limit={limit}");
        let answer = self
            .sidecar
            .request(Method::GET, "account", &path)
            .bearer_auth(bearer)
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}
