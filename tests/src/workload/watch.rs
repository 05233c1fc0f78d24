//! What is checked while the run goes on: writes can be read, and every snapshot adds up.

use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use tokio::time::Instant;

use super::record::Record;
use super::worker::{Shared, own_side, read};

/// What has moved just now is on the first pages, however busy the account is.
const PAGES: usize = 10;

/// Right after a success the transaction is completed, and the entries of its actor's account have it.
pub async fn reads_its_write(shared: &Shared<'_>, actor: usize, answer: &Value) {
    let transaction = match &answer["results"] {
        Value::Array(results) => &results[0]["transaction"],
        _ => answer,
    };
    if transaction["state"] != "completed" {
        return;
    }
    let id = transaction["id"].as_str().unwrap_or_default();
    shared.record.check("writes read");
    if let Some(shown) = read(shared, actor, &format!("/transactions/{id}")).await
        && shown["state"] != "completed"
    {
        shared
            .record
            .anomaly("a write is read", format!("{id} is shown as {shown}"));
    }
    if matches!(transaction["kind"].as_str(), Some("hold" | "void")) {
        return;
    }
    let Some(account) = own_side(shared, actor, transaction) else {
        return;
    };
    if let Some(seen) = without_entry(shared, actor, &account, id).await {
        let facts = format!("{transaction} is not in the entries of {account}, which are {seen:?}");
        shared.record.anomaly("a write is read", facts);
    }
}

/// The sequences of the entries that are there, if that of the transaction is not.
async fn without_entry(shared: &Shared<'_>, actor: usize, account: &str, id: &str) -> Option<Vec<String>> {
    let first = format!("/accounts/{account}/entries?limit=100");
    let (mut path, mut seen) = (first.clone(), Vec::new());
    for _ in 0..PAGES {
        // What could not be read has been told already.
        let page = read(shared, actor, &path).await?;
        for entry in page["items"].as_array().into_iter().flatten() {
            if entry["posting_id"] == id {
                return None;
            }
            seen.push(entry["sequence"].to_string());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("{first}&cursor={cursor}");
    }
    Some(seen)
}

/// Balance, held and available belong together, and available is not below zero, which is the limit of all accounts here.
pub async fn balance(shared: &Shared<'_>, actor: usize) {
    let Some(page) = read(shared, actor, "/accounts").await else {
        return;
    };
    shared.record.operation("balance", "done");
    for account in page["items"].as_array().into_iter().flatten() {
        let minor = |name: &str| account[name].as_i64().unwrap_or(i64::MIN / 2);
        let available = minor("available_minor");
        if available < 0 || available != minor("balance_minor") - minor("held_minor") {
            shared
                .record
                .anomaly("available is balance minus held and not below the limit", account);
        }
    }
}

/// The newest page shows each transaction once.
pub async fn history(shared: &Shared<'_>, actor: usize) {
    let Some(page) = read(shared, actor, "/transactions?limit=100").await else {
        return;
    };
    shared.record.operation("history", "done");
    let ids = page["items"].as_array().into_iter().flatten();
    let mut ids: Vec<_> = ids.map(|item| item["id"].to_string()).collect();
    let shown = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != shown {
        shared.record.anomaly(
            "the history shows each transaction once",
            format!("user {actor}: {page}"),
        );
    }
}

/// Until `end`: all accounts, read in one statement, add up, and none is below its limit.
pub async fn snapshots(pool: &PgPool, record: &Record, end: Instant) {
    while Instant::now() < end {
        let wrong: sqlx::Result<Vec<String>> = sqlx::query_scalar(
            "select currency || ' sums to ' || sum(balance_minor) from accounts group by currency having sum(balance_minor) <> 0
             union all
             select id || ' has ' || balance_minor || ' with ' || held_minor || ' held' from accounts
             where balance_minor - held_minor < limit_minor",
        )
        .fetch_all(pool)
        .await;
        // While PostgreSQL recovers from a fault there is nothing to read.
        if let Ok(wrong) = wrong {
            record.check("snapshots");
            for wrong in wrong {
                record.anomaly("a snapshot adds up", wrong);
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
