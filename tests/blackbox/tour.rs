//! The five minutes of a new user.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::ensure;
use reqwest::StatusCode;
use tests::{Person, Stack};
use tokio::process::Command;

use crate::Result;

pub async fn the_readme_works_as_printed(stack: Arc<Stack>) -> Result {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tour"))
        .envs(stack.env())
        .env("PAYME", stack.origin())
        .stdin(Stdio::null())
        .output()
        .await?;
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{said}\n{errors}");
    Ok(())
}

pub async fn a_session_survives_the_loss_of_its_cache_entry(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    stack.infra().script(&["forget", "gateway"])?;
    let answer = person.get("/accounts").await?;
    ensure!(answer.status == StatusCode::OK, "{answer:?}");
    Ok(())
}
