//! `with-parts PART… -- COMMAND…`: runs a command beside parts of the infrastructure, which end with it.
//! `INFRASTRUCTURE/local/with-database` prepares the stack that they belong to.

#![expect(clippy::print_stderr, reason = "it talks to whoever runs it")]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use testkit::infra::{Backend, Infra};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match beside_parts().await {
        Ok(status) => code(status),
        Err(error) => {
            eprintln!("payme: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn beside_parts() -> anyhow::Result<ExitStatus> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut halves = arguments.splitn(2, |argument| argument == "--");
    let parts: Vec<&str> = halves
        .next()
        .unwrap_or_default()
        .iter()
        .map(String::as_str)
        .collect();
    let command = halves.next().context("usage: with-parts PART… -- COMMAND…")?;

    let infra = Infra::place(Backend::from_env()?, BTreeMap::new(), &parts).await?;
    for part in &parts {
        infra.start(part).await?;
    }
    let status = run(command).await;
    for part in &parts {
        infra.stop(part).await?;
    }
    status
}

/// Who interrupts this in a terminal interrupts the command too: its end is waited for, whatever signal comes.
async fn run(command: &[String]) -> anyhow::Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let child = Command::new(program).args(arguments).spawn();
    let mut child = child.with_context(|| format!("{program} could not be started"))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// As a shell has it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
