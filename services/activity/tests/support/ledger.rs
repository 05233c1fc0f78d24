//! A ledger in the place of the sidecar, which answers page by page, and tells of what it posts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use activity::auditor::{self, Auditor};
use activity::config::Config;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Issuer, deliver};
use uuid::Uuid;

#[derive(Clone)]
pub struct Ledger {
    /// Balance, entries.
    pub accounts: Arc<Mutex<BTreeMap<Uuid, (i64, i64)>>>,
    /// Money that moves on and on: before it answers, and before the answer arrives, a transfer is made and told to these.
    pub restless: Arc<OnceLock<(axum::Router, PgPool)>>,
    system: Vec<Uuid>,
    page: usize,
    port: u16,
}

#[derive(Deserialize)]
struct Asked {
    cursor: Uuid,
    limit: usize,
}

impl Ledger {
    /// A page of it has at most `page` accounts.
    pub async fn start(page: usize, system: &[Uuid]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ledger = Self {
            accounts: Arc::default(),
            restless: Arc::default(),
            system: system.to_vec(),
            page,
            port: listener.local_addr().unwrap().port(),
        };
        let router = Router::new()
            .route("/internal/balances", get(balances))
            .with_state(ledger.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        ledger
    }

    /// Writes entries into the ledger and gives the event that tells of them.
    pub fn post(&self, entries: &[(Uuid, i64)]) -> Value {
        for (account, amount) in entries {
            let mut accounts = self.accounts.lock().unwrap();
            let (balance, count) = accounts.entry(*account).or_default();
            *balance += amount;
            *count += 1;
        }
        let entry =
            |(account, amount): &(Uuid, i64)| json!({ "account_id": account, "amount_minor": amount });
        let mut told = event(Some(entries[0].0), entries[1].0, entries[1].1);
        told["data"]["entries"] = entries.iter().map(entry).collect();
        told
    }

    /// As it was before events had entries.
    pub fn post_as_before(&self, from: Uuid, to: Uuid, amount: i64) -> Value {
        self.post(&[(from, -amount), (to, amount)]);
        let from = (!self.system.contains(&from)).then_some(from);
        event(from, to, amount)
    }

    async fn move_on(&self) {
        if let Some((router, pool)) = self.restless.get() {
            let event = self.post(&[(Uuid::from_u128(3), -1), (Uuid::from_u128(4), 1)]);
            deliver(router, "/events/transaction-made", "from-the-sidecar", &event).await;
            auditor::fold(pool).await.unwrap();
        }
    }

    /// None: it is down, as long as it has no accounts.
    fn answer(&self, asked: &Asked) -> Option<Value> {
        let accounts = self.accounts.lock().unwrap();
        let mut rest = accounts.iter().filter(|(id, _)| **id > asked.cursor);
        let items: Vec<Value> = rest
            .by_ref()
            .take(asked.limit.min(self.page))
            .map(|(id, (balance, entries))| {
                json!({ "account_id": id, "system": self.system.contains(id), "balance_minor": balance, "entries": entries })
            })
            .collect();
        let next_cursor = rest
            .next()
            .and(items.last())
            .map(|item| item["account_id"].clone());
        (!accounts.is_empty()).then(|| json!({ "items": items, "next_cursor": next_cursor }))
    }

    /// An auditor that asks this ledger, and waits an hour for events.
    pub fn auditor(&self, pool: &PgPool) -> Auditor {
        let sidecar = Sidecar::new(self.port, 1, "api".into(), "from-the-sidecar".into()).unwrap();
        let config = Config {
            audit_period: Duration::from_secs(10),
            audit_grace: Duration::from_hours(1),
            feed_retention_days: 400,
        };
        Auditor::new(
            pool.clone(),
            sidecar,
            Issuer::new().identity(activity::APP_ID),
            &config,
        )
        .unwrap()
    }
}

fn event(from: Option<Uuid>, to: Uuid, amount: i64) -> Value {
    let id = Uuid::now_v7();
    let user = Uuid::from_u128(7);
    json!({
        "specversion": "1.0", "id": id, "type": "payme.transaction.made.v1", "source": "transaction", "subject": id,
        "time": "2026-01-01T00:00:00Z", "data": {
            "transaction_id": id, "kind": "transfer", "from_account_id": from, "to_account_id": to,
            "from_user_id": from.map(|_| user), "to_user_id": user,
            "amount": { "amount_minor": amount, "currency": "EUR" }, "completed_at": "2026-01-01T00:00:00Z",
        },
    })
}

async fn balances(
    State(ledger): State<Ledger>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, StatusCode> {
    assert_eq!(headers["dapr-app-id"], "account");
    assert_eq!(headers["authorization"], "Bearer outbound");
    ledger.move_on().await;
    let answer = ledger.answer(&asked);
    ledger.move_on().await;
    answer.map(Json).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}
