//! The floor under the ledger: what the same PostgreSQL does if a transfer is one call of one stored function, which locks
//! both rows, checks the funds and writes two entries and two balances. `pgbench` comes with the server's package.

use std::time::Duration;

use ::tests::Stack;
use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::database::Server;

const DATABASE: &str = "bench_floor";
const CLIENTS: u32 = 32;
const SCHEMA: &str = include_str!("pgbench.sql");
/// From any of 1,000 accounts to any other.
const UNIFORM: &str = "\\set from random(1, 1000)\n\\set to 1 + (:from + random(0, 998)) % 1000\n";
/// From any account to the first.
const HOT: &str = "\\set from random(2, 1000)\n\\set to 1\n";
const TRANSFER: &str = "select transfer(:from, :to, 1);\n";

pub struct Pgbench {
    server: Server,
    folder: std::path::PathBuf,
}

impl Pgbench {
    pub async fn prepare(stack: &Stack) -> anyhow::Result<Self> {
        let server = Server::of(stack)?;
        let pool = server.create(DATABASE).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        pool.close().await;
        let folder = stack.home().to_owned();
        Ok(Self { server, folder })
    }

    /// Transfers per second between any two accounts.
    pub async fn uniform(&self, time: Duration) -> anyhow::Result<f64> {
        self.run("uniform", UNIFORM, time).await
    }

    /// Transfers per second to one account.
    pub async fn hot(&self, time: Duration) -> anyhow::Result<f64> {
        self.run("hot", HOT, time).await
    }

    async fn run(&self, name: &str, accounts: &str, time: Duration) -> anyhow::Result<f64> {
        let script = self.folder.join(format!("pgbench-{name}.sql"));
        std::fs::write(&script, format!("{accounts}{TRANSFER}"))?;
        let clients = CLIENTS.to_string();
        // Its clock runs while it connects, so a shorter run might do nothing.
        let seconds = time.as_secs().max(3).to_string();
        let output = Command::new(program())
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .args(["--client", &clients, "--time", &seconds, "--file"])
            .arg(&script)
            .arg(DATABASE)
            .envs(self.server.libpq_env())
            .env("PGOPTIONS", "-c synchronous_commit=on")
            .kill_on_drop(true)
            .output()
            .await
            .context("pgbench could not be started")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {errors}");
        tps(&said).with_context(|| format!("pgbench told no rate: {said} {errors}"))
    }
}

/// Beside the server's other programs, or wherever the system has it.
fn program() -> std::path::PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin/pgbench")))
        .filter(|program| program.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| "pgbench".into())
}

/// `tps = 9812.337 (without initial connection time)`.
fn tps(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_says() {
        let said = "latency average = 3.2 ms\ntps = 9812.5 (without initial connection time)\n";
        assert!((tps(said).unwrap() - 9812.5).abs() < 1e-9);
        assert_eq!(tps("pgbench: error"), None);
    }
}
