//! `account verify [--head NUMBER:HASH]`: prints the report; exits with 0 if the books are sound.

use std::process::ExitCode;

use anyhow::{Context, bail};
use chain::Head;
use sqlx::postgres::PgPoolOptions;

use super::verify;
/// Verifies the database that `DATABASE_URL` names. It does not migrate it: a check has to change nothing.
pub async fn command(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let kept = match arguments {
        [] => None,
        [option, head] if option == "--head" => Some(head.parse::<Head>()?),
        _ => bail!("usage: account verify [--head NUMBER:HASH]"),
    };
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(&url)
        .await
        .context("the database can't be reached")?;
    let report = verify(&pool, kept.as_ref()).await?;
    println!("{report}");
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
