//! The ledger alone: postings in this process, by callers who each wait for theirs, against one stored function per transfer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use account::{Kind, Ledger, Posting};
use anyhow::{anyhow, ensure};
use money::{Currency, Minor, Money};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tests::Stack;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::anomalies::in_books;
use crate::database::Server;
use crate::idle;
use crate::load::{Rate, seconds};
use crate::pgbench::Pgbench;
use crate::report::{Goal, Measured, Unit};

pub const UNIFORM: &str = "ledger alone, 64 callers";
pub const HOT: &str = "ledger alone, one payee, 64 callers";

static MIGRATIONS: Migrator = sqlx::migrate!("../../services/account/migrations");
const DATABASE: &str = "bench_ledger";
const CALLERS: usize = 64;
const ACCOUNTS: usize = 1_000;
const FUNDS_MINOR: i64 = 1_000_000;
const ROUNDS: u32 = 3;
const LOAD_SECONDS: u64 = 4;

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let floor = Pgbench::prepare(stack).await?;
    let pool = Server::of(stack)?.create(DATABASE).await?;
    MIGRATIONS.run(&pool).await?;
    let book = Book::open(&pool).await?;
    let time = seconds(LOAD_SECONDS);
    let (mut uniform, mut hot) = (Rate::default(), Rate::default());
    let (mut uniform_floor, mut hot_floor) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        idle::settle().await?;
        uniform_floor += floor.uniform(time).await? / f64::from(ROUNDS);
        uniform += book.spread(time).await?;
        hot_floor += floor.hot(time).await? / f64::from(ROUNDS);
        hot += book.gathered(time).await?;
    }
    let movements = uniform.count() + hot.count();
    let anomalies = in_books(&pool).await?.none_in(movements)?;
    pool.close().await;
    let line = |what: &str, rate: Rate, floor, floor_is, least| Measured {
        what: what.to_owned(),
        value: rate.per_second(),
        floor,
        floor_is,
        unit: Unit::PerSecond,
        goal: Goal::AtLeast(least),
        anomalies: Some(anomalies.clone()),
    };
    Ok(vec![
        line(
            UNIFORM,
            uniform,
            uniform_floor,
            "pgbench, one function per transfer",
            2.0,
        ),
        line(HOT, hot, hot_floor, "pgbench, one payee", 8.0),
    ])
}

/// The number of the payee: of that of the payer, a random one, and how many there are.
type Payee = fn(usize, usize, usize) -> usize;

/// A ledger, and accounts that pay each other through it.
pub struct Book {
    ledger: Ledger,
    accounts: Vec<Account>,
    euro: Currency,
}

#[derive(Clone, Copy, sqlx::FromRow)]
pub struct Account {
    pub id: Uuid,
    pub owner_user_id: Uuid,
}

impl Book {
    /// Opens accounts with money on them.
    async fn open(pool: &PgPool) -> anyhow::Result<Arc<Self>> {
        let opened = sqlx::query_as::<_, Account>(
            "insert into accounts (id, owner_user_id, type, currency, name, limit_minor)
             select gen_random_uuid(), gen_random_uuid(), 'current', 'EUR', 'Bench', 0 from generate_series(1, $1)
             returning id, owner_user_id",
        );
        let accounts = opened.bind(i32::try_from(ACCOUNTS)?).fetch_all(pool).await?;
        let book = Self::of(pool, accounts)?;
        let top_ups = book.accounts.iter().map(|account| Posting {
            kind: Kind::TopUp,
            from: None,
            ..book.transfer(*account, account.id, FUNDS_MINOR)
        });
        book.post(top_ups.collect()).await?;
        Ok(book)
    }

    pub fn of(pool: &PgPool, accounts: Vec<Account>) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            ledger: Ledger::new(pool.clone()),
            accounts,
            euro: "EUR".parse()?,
        }))
    }

    /// Everybody pays anybody.
    pub async fn spread(self: &Arc<Self>, time: Duration) -> anyhow::Result<Rate> {
        self.drive(time, |payer, dice, accounts| {
            (payer + 1 + dice % (accounts - 1)) % accounts
        })
        .await
    }

    /// Everybody pays the first.
    async fn gathered(self: &Arc<Self>, time: Duration) -> anyhow::Result<Rate> {
        self.drive(time, |_, _, _| 0).await
    }

    /// Each caller is a task of its own, as each request is in the service.
    async fn drive(self: &Arc<Self>, time: Duration, payee: Payee) -> anyhow::Result<Rate> {
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let book = self.clone();
            callers.spawn(async move {
                let mut count = 0;
                while started.elapsed() < time {
                    book.pay(payee).await?;
                    count += 1;
                }
                anyhow::Ok(count)
            });
        }
        let counts = callers.join_all().await.into_iter();
        let count = counts.sum::<anyhow::Result<u32>>()?;
        Ok(Rate::new(count, started.elapsed()))
    }

    /// The payer is any account but the first.
    async fn pay(&self, payee: Payee) -> anyhow::Result<()> {
        let dice = Uuid::new_v4().as_u128();
        let accounts = self.accounts.len();
        let payer = 1 + below(dice, accounts - 1)?;
        let payee = payee(payer, below(dice >> 64, accounts)?, accounts);
        let posting = self.transfer(self.accounts[payer], self.accounts[payee].id, 1);
        self.post(vec![posting]).await
    }

    fn transfer(&self, from: Account, to: Uuid, amount_minor: i64) -> Posting {
        Posting {
            id: Uuid::now_v7(),
            kind: Kind::Transfer,
            initiator: from.owner_user_id,
            by_operator: false,
            from: Some(from.id),
            to: Some(to),
            amount: Money {
                amount_minor: Minor(amount_minor),
                currency: self.euro,
            },
            hold_id: None,
            expires_at: None,
        }
    }

    /// A refusal is an error here: everybody has enough.
    async fn post(&self, postings: Vec<Posting>) -> anyhow::Result<()> {
        let posted = self.ledger.post(postings).await;
        let posted = posted.map_err(|unavailable| anyhow!("{unavailable:?}"))?;
        let refused = posted.iter().find_map(|posted| posted.outcome.as_ref().err());
        ensure!(refused.is_none(), "refused: {refused:?}");
        Ok(())
    }
}

fn below(dice: u128, end: usize) -> anyhow::Result<usize> {
    Ok(usize::try_from((dice & u128::from(u32::MAX)) % end as u128)?)
}
