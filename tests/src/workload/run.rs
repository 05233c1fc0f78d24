//! A run: people and money, workers and faults at the same time, rest, and the checks.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::books::Books;
use super::faults::Injector;
use super::model::Model;
use super::operation::USERS;
use super::record::{Record, Report};
use super::watch::snapshots;
use super::worker::{Shared, Worker};
use super::world::World;
use super::{check, effects};
use crate::{Stack, euro};

const WORKERS: u64 = 8;
/// What each user begins with.
const FUNDS: i64 = 50_000;

/// What happens to the system during a run.
pub enum Trouble {
    /// One fault after the other, in an order that the seed gives.
    Faults,
    /// It moves to these component sets, one after the other.
    Moves(Vec<String>),
}

/// Runs for `lasting` and some seconds more, until everything has come to rest. An error is a run that could not be made;
/// what was wrong with the system is in the report.
pub async fn run(stack: &Stack, seed: u64, lasting: Duration, trouble: Trouble) -> anyhow::Result<Report> {
    let books = Books::open(stack)?;
    let (model, record) = (Model::default(), Record::default());
    let world = World::make(stack, &books).await?;
    fund(&world, &model, &record).await?;

    let began = Instant::now();
    let end = began + lasting;
    let shared = Shared {
        world: &world,
        model: &model,
        record: &record,
    };
    let workers = (0..WORKERS).map(|number| Worker::new(&shared, number).run(seed, end));
    let trouble = async {
        match trouble {
            Trouble::Faults => Injector::new(stack, &books, &record, seed).run(end).await,
            Trouble::Moves(sets) => moves(stack, &record, sets).await,
        }
    };
    let (_, trouble, ()) = tokio::join!(
        join_all(workers),
        trouble,
        snapshots(&books.account, &record, end)
    );
    trouble?;
    effects::rest(&books, &world, &record).await;
    check::all(stack, &books, &world, &model, &record).await?;
    Ok(record.report(seed, began.elapsed()))
}

async fn moves(stack: &Stack, record: &Record, sets: Vec<String>) -> anyhow::Result<()> {
    for set in sets {
        stack.swap(&set).await?;
        // A sidecar that had to be started anew may not be there yet.
        stack.ready().await?;
        record.fault("moved to another component set");
    }
    Ok(())
}

async fn fund(world: &World, model: &Model, record: &Record) -> anyhow::Result<()> {
    for number in 0..USERS {
        let body = json!({ "account_id": world.id(number), "amount": euro(FUNDS) });
        let key = Uuid::new_v4().to_string();
        let answer = world.people[number]
            .post_until_answered("/top-ups", &key, &body)
            .await?;
        anyhow::ensure!(answer.status.is_success(), "no funds: {answer:?}");
        model.note(world, record, number, &key, &answer.json);
    }
    Ok(())
}
