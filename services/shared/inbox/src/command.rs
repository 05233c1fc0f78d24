//! What whoever has the database can do from a shell. A running service does what is asked for within a second.

use anyhow::{Context, Result, bail, ensure};
use page::Place;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::admin::DeadLetter;
use crate::letters::{self, Which};

/// `dead-letters [list | show ID | replay ID | replay all | discard ID]`; prints a line of JSON for each letter.
pub async fn command(arguments: &[&str]) -> Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let mut conn = PgConnection::connect(&url)
        .await
        .context("the database can't be reached")?;
    match arguments {
        [] | ["list"] => list(&mut conn).await,
        ["show", id] => {
            let row = letters::find(&mut conn, id.parse()?).await?;
            print(&DeadLetter::whole(row.context("there is no such dead letter")?))
        }
        ["replay", "all"] => replay(&mut conn, None).await,
        ["replay", id] => replay(&mut conn, Some(id.parse()?)).await,
        ["discard", id] => {
            let removed = letters::remove(&mut conn, id.parse()?).await?;
            ensure!(removed, "there is no such dead letter");
            Ok(())
        }
        _ => bail!("usage: dead-letters [list | show ID | replay ID | replay all | discard ID]"),
    }
}

async fn list(conn: &mut PgConnection) -> Result<()> {
    const ROWS: i64 = 200;
    let mut place = Place::Start;
    loop {
        let rows = letters::list(conn, &Which::default(), place, ROWS).await?;
        let Some(last) = rows.last().map(|row| row.id) else {
            return Ok(());
        };
        place = Place::After(last);
        for row in rows {
            print(&DeadLetter::brief(row))?;
        }
    }
}

async fn replay(conn: &mut PgConnection, id: Option<Uuid>) -> Result<()> {
    let replayed = letters::replay(conn, id, &Which::default()).await?;
    ensure!(id.is_none() || replayed > 0, "there is no such dead letter");
    println!("{replayed} to be tried again");
    Ok(())
}

fn print(letter: &DeadLetter) -> Result<()> {
    println!("{}", serde_json::to_string(letter)?);
    Ok(())
}
