//! Whether anything costs more as data grows: the same postings and the same pages of history in books of three sizes, each
//! with five million entries. The books are sound, so the audit of the other measurements holds here too.

use std::time::Instant;

use anyhow::Context;
use sqlx::PgPool;
use tests::{Person, Stack};

use crate::BACKEND;
use crate::anomalies::in_books;
use crate::bulk;
use crate::database::Server;
use crate::idle;
use crate::ledger::{Account, Book};
use crate::load::{drive, seconds};
use crate::people::ok;
use crate::percentile::{Latencies, Stopwatch};
use crate::report::{Goal, Measured, Unit};

/// The first is the floor of the others.
const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
const LEDGER_SECONDS: u64 = 5;
const HISTORY_SECONDS: u64 = 3;
/// How many pages deep the deep one is: past most of what the person has done.
const DEEP: usize = 50;
/// Of all accounts, so many pay in the load.
const PAYERS: i64 = 10_000;

/// What one size gave.
struct Figures {
    postings_per_second: f64,
    first_page_ms: f64,
    deep_page_ms: f64,
    anomalies: String,
}

/// A system of its own for each size.
pub async fn measure(variables: &[(&str, &str)]) -> anyhow::Result<Vec<Measured>> {
    let mut figures = Vec::new();
    for accounts in SIZES {
        let stack = Stack::start_with(BACKEND, variables).await?;
        figures.push((accounts, Box::pin(at_size(&stack, accounts)).await?));
    }
    let mut lines = Vec::new();
    let mut sizes = figures.iter();
    let (_, floor) = sizes.next().context("no size")?;
    for (accounts, grown) in sizes {
        lines.extend(compare(*accounts, grown, floor));
    }
    Ok(lines)
}

fn compare(accounts: u32, grown: &Figures, floor: &Figures) -> [Measured; 3] {
    let line = |what: &str, value, floor, unit, goal, anomalies| Measured {
        what: format!("{what} among {accounts} accounts"),
        value,
        floor,
        floor_is: "among 1,000, as many entries",
        unit,
        goal,
        anomalies,
    };
    let page = |what, value, floor| line(what, value, floor, Unit::Milliseconds, Goal::AtMost(1.5), None);
    [
        line(
            "ledger alone, 64 callers,",
            grown.postings_per_second,
            floor.postings_per_second,
            Unit::PerSecond,
            Goal::None,
            Some(grown.anomalies.clone()),
        ),
        page(
            "p50 of the first page of history",
            grown.first_page_ms,
            floor.first_page_ms,
        ),
        page(
            "p50 of a deep page of history",
            grown.deep_page_ms,
            floor.deep_page_ms,
        ),
    ]
}

async fn at_size(stack: &Stack, accounts: u32) -> anyhow::Result<Figures> {
    let person = Person::arrive(&stack.origin()).await?;
    let server = Server::of(stack)?;
    let (books, transactions) = (
        server.connect("account").await?,
        server.connect("transaction").await?,
    );
    let started = Instant::now();
    Box::pin(bulk::fill(&books, &transactions, accounts, person.user_id)).await?;
    println!(
        "{accounts} accounts with their entries were made in {:.0?}",
        started.elapsed()
    );
    idle::settle().await?;

    let book = Book::of(&books, payers(&books).await?)?;
    let postings = book.spread(seconds(LEDGER_SECONDS)).await?;
    let (first, deep) = pages(&person).await?;
    Ok(Figures {
        postings_per_second: postings.per_second(),
        first_page_ms: first.percentile_ms(50),
        deep_page_ms: deep.percentile_ms(50),
        anomalies: in_books(&books).await?.none_in(postings.count())?,
    })
}

/// Accounts from all over the books.
async fn payers(books: &PgPool) -> anyhow::Result<Vec<Account>> {
    let payers = sqlx::query_as::<_, Account>(
        "select id, owner_user_id from accounts where name = $1 order by hashtextextended(id::text, 0) limit $2",
    );
    Ok(payers.bind(bulk::NAME).bind(PAYERS).fetch_all(books).await?)
}

/// One connection: the first page, a deep one, and so on.
async fn pages(person: &Person) -> anyhow::Result<(Latencies, Latencies)> {
    let deep_path = walk(person, DEEP).await?;
    let (first, deep) = (Stopwatch::default(), Stopwatch::default());
    let (first_of, deep_of) = (&first, &deep);
    drive(1, seconds(HISTORY_SECONDS), async |_| {
        ok(&first_of.time(person.get(PATH)).await?)?;
        ok(&deep_of.time(person.get(&deep_path)).await?)
    })
    .await?;
    Ok((first.latencies(), deep.latencies()))
}

const PATH: &str = "/transactions";

/// Goes from page to page, and gives the address of the last one.
async fn walk(person: &Person, pages: usize) -> anyhow::Result<String> {
    let mut path = PATH.to_owned();
    for _ in 0..pages {
        let answer = person.get(&path).await?;
        ok(&answer)?;
        let cursor = answer.json["next_cursor"].as_str();
        let cursor = cursor.context("the history is too short for a deep page")?;
        path = format!("{PATH}?cursor={cursor}");
    }
    Ok(path)
}
