//! Where and with what a run was measured, in one line.

use std::process::Command;

use anyhow::Context;
use chrono::Utc;
use serde::Deserialize;
use tests::Stack;

use crate::events;

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Date, machine and versions. Load and system share the machine.
pub async fn describe(stack: &Stack) -> anyhow::Result<String> {
    Ok(format!(
        "{}, {} cores ({}), load and system on the same ones; commit {}, rustc {}, daprd {}, PostgreSQL {}, {}",
        Utc::now().format("%Y-%m-%d"),
        cores(),
        processor()?,
        said("git", &["describe", "--always", "--dirty"])?.trim(),
        version_of("rustc")?,
        daprd(stack).await?,
        version_of("psql")?,
        brokers()?,
    ))
}

/// That of each component set.
fn brokers() -> anyhow::Result<String> {
    let mut versions = Vec::new();
    for set in events::sets()? {
        let mut infra = Command::new("INFRASTRUCTURE/local/infra");
        let version = said_by(infra.arg("version").env("PAYME_SET", set))?;
        versions.push(version.trim().to_owned());
    }
    Ok(versions.join(", "))
}

fn processor() -> anyhow::Result<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    Ok(model.map_or("unknown", |(_, model)| model).to_owned())
}

/// The first thing that looks like a version in what a program says of itself.
fn version_of(program: &str) -> anyhow::Result<String> {
    let text = said(program, &["--version"])?;
    let version = text.split_whitespace().find(|word| word.contains('.'));
    let version = version.with_context(|| format!("{program} does not tell its version"))?;
    Ok(version.trim_start_matches("v=").to_owned())
}

fn said(program: &str, args: &[&str]) -> anyhow::Result<String> {
    said_by(Command::new(program).args(args))
}

fn said_by(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output();
    let output = output.with_context(|| format!("{command:?} could not be started"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the sidecar says of itself.
async fn daprd(stack: &Stack) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        runtime_version: String,
    }
    let request = reqwest::Client::new()
        .get(stack.sidecar_url("gateway", "/v1.0/metadata")?)
        .header("dapr-api-token", &stack.env()["DAPR_API_TOKEN"]);
    let answer = request.send().await?.error_for_status()?;
    Ok(answer.json::<Metadata>().await?.runtime_version)
}
