//! The servers that tests need: PostgreSQL, and what a component set brings along.
//!
//! `INFRASTRUCTURE/local/infra` knows each as a *part*, and how it is started: as a process of this machine, and most of them
//! in a container too. [`Backend`] is the choice between the two, and the only place where it is made.

mod container;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use container::{Container, Spec};

const LOCAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../INFRASTRUCTURE/local");

/// Where the parts of the infrastructure run that can run in containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Containers,
    /// Processes of this machine.
    Local,
    /// Containers if a Docker engine answers that has their images or can get them, else processes.
    Available,
}

impl Backend {
    /// What `PAYME_TEST_BACKEND` says: `containers`, `local`, or nothing.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::parse(&std::env::var("PAYME_TEST_BACKEND").unwrap_or_default())
    }

    fn parse(name: &str) -> anyhow::Result<Self> {
        match name {
            "containers" => Ok(Self::Containers),
            "local" => Ok(Self::Local),
            "" => Ok(Self::Available),
            other => bail!("PAYME_TEST_BACKEND is '{other}'; it can be 'containers', 'local', or absent"),
        }
    }

    /// Whether this part is to run in a container.
    async fn contains(self, spec: &Spec) -> anyhow::Result<bool> {
        if self == Self::Local {
            return Ok(false);
        }
        let Some(engine) = container::engine().await else {
            ensure!(
                self == Self::Available,
                "no Docker engine answers; INFRASTRUCTURE/images/engine up starts one, and PAYME_TEST_BACKEND=local needs none"
            );
            return Ok(false);
        };
        match container::get_image(&engine, &spec.image).await {
            Ok(()) => Ok(true),
            Err(error) if self == Self::Available => {
                say(&format!("{error:#}; so {} runs as a process", spec.part));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The parts of one stack. Dropped within a Tokio runtime, it removes their containers.
pub struct Infra {
    env: BTreeMap<String, String>,
    /// By the name that was asked for; two names may stand for one part.
    containers: BTreeMap<String, Arc<Container>>,
}

impl Infra {
    /// Starts those of `parts` that are to run in containers; all others are for [`Infra::script`] to start. `env` are the
    /// variables that name the stack, whose secrets are there.
    pub async fn place(
        backend: Backend,
        env: BTreeMap<String, String>,
        parts: &[&str],
    ) -> anyhow::Result<Self> {
        let mut infra = Self {
            env,
            containers: BTreeMap::new(),
        };
        let mut by_part = BTreeMap::new();
        for name in parts {
            let Some(spec) = infra.spec(name)? else { continue };
            let part = spec.part.clone();
            if !by_part.contains_key(&part) && backend.contains(&spec).await? {
                say(&format!("{part} runs in a container of {}", spec.image));
                let container = Arc::new(Container::new(spec));
                container.start().await?;
                by_part.insert(part.clone(), container);
            }
            if let Some(container) = by_part.get(&part) {
                infra.containers.insert((*name).to_owned(), Arc::clone(container));
            }
        }
        let elsewhere = by_part.into_keys().collect::<Vec<_>>().join(" ");
        infra.env.insert("PAYME_ELSEWHERE".to_owned(), elsewhere);
        Ok(infra)
    }

    /// Starts a part, if it does not run.
    pub async fn start(&self, part: &str) -> anyhow::Result<()> {
        match self.containers.get(part) {
            Some(container) => container.start().await,
            None => self.script(&["start", part]).map(drop),
        }
    }

    /// Stops a part; its data stays.
    pub async fn stop(&self, part: &str) -> anyhow::Result<()> {
        match self.containers.get(part) {
            Some(container) => container.stop().await,
            None => self.script(&["stop", part]).map(drop),
        }
    }

    /// Stops a part and drops its data.
    pub async fn wipe(&self, part: &str) -> anyhow::Result<()> {
        match self.containers.get(part) {
            Some(container) => container.remove().await,
            None => self.script(&["wipe", part]).map(drop),
        }
    }

    /// SIGKILL for one of the processes of a part, by the id that the part knows it by.
    pub async fn kill(&self, part: &str, pid: &str) -> anyhow::Result<()> {
        let kill = ["kill", "-KILL", pid];
        let killed = match self.containers.get(part) {
            // A shell has `kill` built in; an image may have no program of that name.
            Some(container) => container.succeeds(&["sh", "-c", &kill.join(" ")]).await?,
            None => Command::new(kill[0]).args(&kill[1..]).status()?.success(),
        };
        ensure!(killed, "{part} has no process {pid}");
        Ok(())
    }

    /// Runs `INFRASTRUCTURE/local/infra` for this stack, and gives what it prints. Parts in containers are not its business.
    pub fn script(&self, args: &[&str]) -> anyhow::Result<String> {
        run("infra", args, &self.env)
    }

    /// As [`Infra::script`], for who has more to say before it runs.
    pub fn command(&self, args: &[&str]) -> Command {
        command("infra", args, &self.env)
    }

    /// Removes the containers, for who can't drop this.
    pub async fn remove_containers(&self) -> anyhow::Result<()> {
        for container in self.containers.values() {
            container.remove().await?;
        }
        Ok(())
    }

    /// How a part is started in a container, if it can be.
    fn spec(&self, part: &str) -> anyhow::Result<Option<Spec>> {
        let json = self.script(&["container", part])?;
        if json.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&json).with_context(|| format!("infra container {part}"))
    }
}

/// Runs a script of `INFRASTRUCTURE/local`.
pub fn run(script: &str, args: &[&str], env: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let output = command(script, args, env).output()?;
    ensure!(
        output.status.success(),
        "{script} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn command(script: &str, args: &[&str], env: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(Path::new(LOCAL).join(script));
    command.args(args).envs(env);
    command
}

#[expect(clippy::print_stderr, reason = "who runs tests wants to know where")]
fn say(text: &str) {
    eprintln!("payme: {text}");
}

#[cfg(test)]
mod tests {
    use super::Backend;

    #[test]
    fn a_backend_is_named_or_found_out() {
        let parsed = |name| Backend::parse(name).ok();
        assert_eq!(parsed("containers"), Some(Backend::Containers));
        assert_eq!(parsed("local"), Some(Backend::Local));
        assert_eq!(parsed(""), Some(Backend::Available));
        assert_eq!(parsed("docker"), None);
    }
}
