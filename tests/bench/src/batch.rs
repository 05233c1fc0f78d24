//! Transfers in batches of 1,000, against as many requests with one each.

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Stack, transfer};
use uuid::Uuid;

use crate::anomalies::Audit;
use crate::crowd::Crowd;
use crate::idle;
use crate::load::{drive, seconds};
use crate::report::{Goal, Measured, Unit};

pub const ITEMS: &str = "transfers in batches of 1,000, 4 connections";

pub const BATCH: u32 = 1_000;
const CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 32;
const FLOOR_SECONDS: u64 = 4;
/// Short, as each second of it is many seconds of work for those who hear of each transfer.
const LOAD_SECONDS: u64 = 3;

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let crowd = Crowd::arrive(stack, SINGLE_CONNECTIONS).await?;
    let audit = Audit::begin(stack).await?;
    idle::settle().await?;
    let single = drive(SINGLE_CONNECTIONS, seconds(FLOOR_SECONDS), |number| {
        crowd.pay_anybody(number)
    })
    .await?;
    audit.delivered().await?;
    idle::settle().await?;
    let batches = drive(CONNECTIONS, seconds(LOAD_SECONDS), |number| {
        pay_many(&crowd, number)
    })
    .await?;
    let items = batches.with_count(batches.count() * BATCH);
    let anomalies = audit.end(single.count() + items.count()).await?;
    Ok(vec![Measured {
        what: ITEMS.to_owned(),
        value: items.per_second(),
        floor: single.per_second(),
        floor_is: "one per request, 32 connections",
        unit: Unit::PerSecond,
        goal: Goal::AtLeast(10.0),
        anomalies: Some(anomalies),
    }])
}

/// One payer pays many in one request; every item is completed, or it is an error.
pub async fn pay_many(crowd: &Crowd, payer: usize) -> anyhow::Result<()> {
    let items = (0..BATCH).map(|_| item(crowd, payer));
    let items = items.collect::<anyhow::Result<Vec<_>>>()?;
    let body = json!({ "atomic": false, "items": items });
    let person = &crowd.payers[payer].person;
    let key = Uuid::new_v4().to_string();
    let answer = person.post_with_key("/transactions/batch", &key, &body).await?;
    ensure!(answer.status == StatusCode::OK, "batch: {answer:?}");
    let results = answer.json["results"].as_array().context("no results")?;
    let completed = |result: &&Value| result["transaction"]["state"] == "completed";
    let completed = results.iter().filter(completed).count();
    ensure!(
        completed == BATCH as usize,
        "only {completed} of {BATCH} are completed"
    );
    Ok(())
}

fn item(crowd: &Crowd, payer: usize) -> anyhow::Result<Value> {
    let key = Uuid::new_v4();
    let mut item = transfer(&crowd.payers[payer].account_id, crowd.payee(&key)?, 1);
    item["key"] = json!(key);
    Ok(item)
}
