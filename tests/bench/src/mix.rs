//! What people do in a day, in the proportions in which Bank of Anthos' own load generator does it: looking at a balance,
//! looking at the home page, paying, depositing, logging in.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use ::tests::{PASSWORD, Person, Stack, euro};
use anyhow::Context;
use serde_json::json;
use uuid::Uuid;

use crate::anomalies::Audit;
use crate::crowd::{Crowd, Payer, completed};
use crate::echo::Echo;
use crate::idle;
use crate::load::{drive, seconds};
use crate::people::ok;
use crate::report::{Goal, Measured, Unit};
use crate::transfers::FLOOR;

pub const REQUESTS: &str = "a day's mix, all requests";
pub const TRANSFERS: &str = "a day's mix, transfers in it";
pub const LOGINS: &str = "a day's mix, logins in it";

/// Each registration costs a hash, so there are fewer people than accounts: each pays from one of their own to any of 1,000.
const PEOPLE: usize = 25;
const CONNECTIONS: usize = 32;
const FLOOR_SECONDS: u64 = 3;
const LOAD_SECONDS: u64 = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Balance,
    /// The balance and the newest transactions: two requests.
    Home,
    Transfer,
    Deposit,
    Login,
}

/// How often each comes in one round.
const SHAPE: [(Action, usize); 5] = [
    (Action::Balance, 10),
    (Action::Home, 10),
    (Action::Transfer, 5),
    (Action::Deposit, 5),
    (Action::Login, 5),
];
const ROUND: usize = 35;
/// Without a common divisor with the round, so that steps of this width visit each of its places once.
const STRIDE: usize = 13;

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let crowd = Crowd::arrive(stack, PEOPLE).await?;
    let echo = Echo::start(stack, CONNECTIONS).await?;
    let audit = Audit::begin(stack).await?;
    idle::settle().await?;
    let floor = drive(CONNECTIONS, seconds(FLOOR_SECONDS), |number| echo.call(number)).await?;
    let day = Day::of(&crowd);
    let done = drive(CONNECTIONS, seconds(LOAD_SECONDS), |number| day.step(number)).await?;
    let counts = day.counts;
    let (transfers, deposits) = (counts.of(Action::Transfer), counts.of(Action::Deposit));
    let anomalies = audit.end(transfers + deposits).await?;
    let line = |what: &str, count, anomalies| Measured {
        what: what.to_owned(),
        value: done.with_count(count).per_second(),
        floor: floor.per_second(),
        floor_is: FLOOR,
        unit: Unit::PerSecond,
        goal: Goal::None,
        anomalies,
    };
    let requests = done.count() + counts.of(Action::Home);
    Ok(vec![
        line(REQUESTS, requests, Some(anomalies.clone())),
        line(TRANSFERS, transfers, Some(anomalies)),
        line(LOGINS, counts.of(Action::Login), None),
    ])
}

/// The crowd, and how far each connection has come in its round.
struct Day<'a> {
    crowd: &'a Crowd,
    /// The same people at the same browsers before they log in.
    logged_out: Vec<Person>,
    round: Vec<Action>,
    places: Vec<AtomicUsize>,
    counts: Counts,
}

#[derive(Default)]
struct Counts([AtomicU32; SHAPE.len()]);

impl Counts {
    fn count(&self, action: Action) {
        self.0[action as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, action: Action) -> u32 {
        self.0[action as usize].load(Ordering::Relaxed)
    }
}

impl<'a> Day<'a> {
    fn of(crowd: &'a Crowd) -> Self {
        let mut logged_out: Vec<_> = crowd.payers.iter().map(|payer| payer.person.clone()).collect();
        for person in &mut logged_out {
            person.cookie.clear();
        }
        Self {
            crowd,
            logged_out,
            round: round(),
            // Not all at the same place at once.
            places: (0..CONNECTIONS).map(AtomicUsize::new).collect(),
            counts: Counts::default(),
        }
    }

    /// The next action of a connection.
    async fn step(&self, connection: usize) -> anyhow::Result<()> {
        let place = self.places[connection].fetch_add(1, Ordering::Relaxed);
        let action = self.round[place % ROUND];
        let number = connection % self.crowd.payers.len();
        let payer = &self.crowd.payers[number];
        match action {
            Action::Balance => balance(payer).await?,
            Action::Home => {
                balance(payer).await?;
                ok(&payer.person.get("/transactions").await?)?;
            }
            Action::Transfer => self.crowd.pay_anybody(number).await?,
            Action::Deposit => deposit(payer).await?,
            Action::Login => {
                let person = &self.logged_out[number];
                ok(&person.try_log_in(PASSWORD, &json!({})).await?)?;
            }
        }
        self.counts.count(action);
        Ok(())
    }
}

/// All actions of a round, well mixed, in the same order in every run.
fn round() -> Vec<Action> {
    let sorted: Vec<_> = SHAPE
        .iter()
        .flat_map(|(action, count)| std::iter::repeat_n(*action, *count))
        .collect();
    (0..ROUND).map(|place| sorted[place * STRIDE % ROUND]).collect()
}

async fn balance(payer: &Payer) -> anyhow::Result<()> {
    let answer = payer
        .person
        .get(&format!("/accounts/{}", payer.account_id))
        .await?;
    answer.json["balance_minor"].as_i64().context("no balance")?;
    Ok(())
}

async fn deposit(payer: &Payer) -> anyhow::Result<()> {
    let body = json!({ "account_id": payer.account_id, "amount": euro(1) });
    let key = Uuid::new_v4().to_string();
    completed(&payer.person.post_with_key("/top-ups", &key, &body).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_each_action_as_often_as_its_shape_says() {
        let round = round();
        assert_eq!(round.len(), ROUND);
        for (action, count) in SHAPE {
            assert_eq!(
                round.iter().filter(|one| **one == action).count(),
                count,
                "{action:?}"
            );
        }
    }

    #[test]
    fn no_action_comes_in_one_block() {
        let round = round();
        let blocks = round
            .windows(5)
            .filter(|five| five.iter().all(|one| *one == five[0]));
        assert_eq!(blocks.count(), 0);
    }
}
