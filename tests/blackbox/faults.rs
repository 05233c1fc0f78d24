//! Parts that go away and come back.

use std::sync::Arc;

use anyhow::ensure;
use futures_util::future::try_join_all;
use reqwest::StatusCode;
use tests::{Person, Stack, eventually};
use uuid::Uuid;

use crate::Result;
use crate::money::{pair, reach_feeds_once};

/// Sends `count` transfers of one cent, some at a time, each until it has its final answer; gives their ids.
async fn transfers(payer: &Person, from: &str, to: &str, count: usize) -> anyhow::Result<Vec<String>> {
    const LANES: usize = 5;
    let lanes = (0..LANES).map(|_| async {
        let mut ids = Vec::new();
        for _ in 0..count / LANES {
            let answer = payer
                .transfer_until_answered(&Uuid::new_v4().to_string(), from, to, 1)
                .await?;
            ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
            ids.push(answer.json["id"].as_str().unwrap_or_default().to_owned());
        }
        Ok(ids)
    });
    Ok(try_join_all(lanes).await?.concat())
}

/// Each transfer moved its cent once, and each of both feeds names it once.
async fn all_converged(payer: &Person, payee: &Person, ids: &[String], funds: i64) -> Result {
    let moved = i64::try_from(ids.len())?;
    ensure!(
        payer.balance().await? == funds - moved,
        "the payer has {}",
        payer.balance().await?
    );
    ensure!(
        payee.balance().await? == moved,
        "the payee has {}",
        payee.balance().await?
    );
    reach_feeds_once(&[payer, payee], ids).await
}

pub async fn a_broker_that_goes_away_loses_no_event(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let outage = async {
        let counted = || async { (payer.balance().await.ok()? < 995).then_some(()) };
        eventually("some transfers are done", counted).await?;
        stack.infra().stop("broker").await?;
        eventually("somebody says that it is down", || {
            broker_is_missed(&stack, &payer)
        })
        .await?;
        stack.infra().start("broker").await
    };
    let (ids, ()) = tokio::try_join!(transfers(&payer, &from, &to, 60), outage)?;
    all_converged(&payer, &payee, &ids, 1_000).await
}

/// Events wait for the broker; where it holds the sessions too, the gateway says so, and there may be no event to wait.
async fn broker_is_missed(stack: &Stack, payer: &Person) -> Option<()> {
    const WAITS_FOR_SECONDS: f64 = 0.5;
    let metrics = reqwest::get(stack.url("transaction", "/metrics"))
        .await
        .ok()?
        .text()
        .await
        .ok()?;
    let lag = metrics
        .lines()
        .find_map(|line| line.strip_prefix("outbox_lag_seconds "));
    let waits = lag
        .and_then(|lag| lag.parse().ok())
        .is_some_and(|lag: f64| lag > WAITS_FOR_SECONDS);
    (waits || payer.get("/accounts").await.ok()?.code() == "session_store_unavailable").then_some(())
}

pub async fn a_service_killed_in_the_middle_of_transfers_converges(stack: Arc<Stack>) -> Result {
    for victim in ["account", "transaction"] {
        let (payer, from, payee, to) = pair(&stack, 1_000).await?;
        let murder = async {
            let counted = || async { (payer.balance().await.ok()? < 995).then_some(()) };
            eventually("some transfers are done", counted).await?;
            stack.kill(victim)?;
            stack.start_again(victim)?;
            stack.ready().await
        };
        let (ids, ()) = tokio::try_join!(transfers(&payer, &from, &to, 60), murder)?;
        all_converged(&payer, &payee, &ids, 1_000).await?;
    }
    Ok(())
}

pub async fn a_service_that_is_down_at_the_first_login_is_made_up_for(stack: Arc<Stack>) -> Result {
    stack.kill("account")?;
    let mut person = Person::stranger(&stack.origin());
    person.register().await?;
    let login = person.log_in().await;
    stack.start_again("account")?;
    stack.ready().await?;
    let provisioned = &login?.json["provisioned"];
    ensure!(
        provisioned["account"] == false && provisioned["user"] == true,
        "{provisioned}"
    );
    eventually("the account is there after all", || async {
        person.account().await.ok()
    })
    .await?;
    Ok(())
}
