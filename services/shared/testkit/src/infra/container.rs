//! One part of the infrastructure in a container, reachable on loopback only.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error::DockerResponseServerError;
use testcontainers::bollard::models::HostConfig;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{ExecCommand, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// An engine that is there answers in milliseconds.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(5);
const PULL_TIMEOUT: Duration = Duration::from_mins(5);
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT_SECONDS: i32 = 20;

/// What `infra container PART` prints.
#[derive(Deserialize)]
pub struct Spec {
    pub part: String,
    /// `postgres:15`
    pub image: String,
    /// Here, on loopback.
    host_port: u16,
    /// In the container.
    port: u16,
    #[serde(default)]
    env: BTreeMap<String, String>,
    args: Vec<String>,
    /// Texts by their paths in the container.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// A command that succeeds in the container when the server takes requests.
    ready: Vec<String>,
}

/// The Docker engine, if one answers.
pub async fn engine() -> Option<Docker> {
    let docker = docker_client_instance().await.ok()?;
    timeout(ENGINE_TIMEOUT, docker.ping()).await.ok()?.ok()?;
    Some(docker)
}

/// Pulls the image, unless it is there.
pub async fn get_image(docker: &Docker, image: &str) -> anyhow::Result<()> {
    match docker.inspect_image(image).await {
        Err(DockerResponseServerError { status_code: 404, .. }) => {}
        other => {
            return other
                .map(drop)
                .with_context(|| format!("the image {image} can't be looked at"));
        }
    }
    timeout(PULL_TIMEOUT, generic(image).pull_image())
        .await
        .context("it takes too long")
        .and_then(|pulled| Ok(pulled.map(drop)?))
        .with_context(|| {
            format!("the image {image} is not here and can't be pulled; make test-containers builds one")
        })
}

fn generic(image: &str) -> GenericImage {
    // The colon of a registry's port is no tag's.
    let (name, tag) = image
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))
        .unwrap_or((image, "latest"));
    GenericImage::new(name, tag)
}

/// A part in a container, which is removed when this is dropped within a Tokio runtime.
pub struct Container {
    spec: Spec,
    /// `None` where nothing of it is there yet, or any more.
    container: Mutex<Option<ContainerAsync<GenericImage>>>,
}

impl Container {
    pub fn new(spec: Spec) -> Self {
        Self {
            spec,
            container: Mutex::new(None),
        }
    }

    /// Starts it, with the data that it had, and waits until its server takes requests.
    pub async fn start(&self) -> anyhow::Result<()> {
        let mut slot = self.container.lock().await;
        if let Some(container) = &*slot {
            container.start().await?;
        }
        let container = match slot.take() {
            Some(container) => container,
            None => self
                .request()
                .start()
                .await
                .with_context(|| format!("{} did not start in a container", self.spec.part))?,
        };
        self.answers(slot.insert(container)).await
    }

    fn request(&self) -> ContainerRequest<GenericImage> {
        let spec = &self.spec;
        let mut request = generic(&spec.image)
            .with_mapped_port(spec.host_port, spec.port.tcp())
            .with_host_config_modifier(publish_on_loopback)
            .with_cmd(&spec.args);
        for (name, value) in &spec.env {
            request = request.with_env_var(name, value);
        }
        for (path, text) in &spec.files {
            // The server may run as any user of its image.
            let target = CopyTargetOptions::new(path).with_mode(0o644);
            request = request.with_copy_to(target, text.clone().into_bytes());
        }
        request
    }

    pub async fn stop(&self) -> anyhow::Result<()> {
        if let Some(container) = &*self.container.lock().await {
            container.stop_with_timeout(Some(STOP_TIMEOUT_SECONDS)).await?;
        }
        Ok(())
    }

    /// Ends it, with its data.
    pub async fn remove(&self) -> anyhow::Result<()> {
        if let Some(container) = self.container.lock().await.take() {
            container.rm().await?;
        }
        Ok(())
    }

    /// Whether a command succeeds in the container.
    pub async fn succeeds(&self, command: &[&str]) -> anyhow::Result<bool> {
        let slot = self.container.lock().await;
        let container = slot.as_ref().context("it is not there")?;
        succeeds(container, command).await
    }

    async fn answers(&self, container: &ContainerAsync<GenericImage>) -> anyhow::Result<()> {
        let started = Instant::now();
        while !self.takes_requests(container).await {
            if started.elapsed() > START_TIMEOUT || !container.is_running().await? {
                bail!(
                    "{} in a container does not answer on 127.0.0.1:{}; it said: {}",
                    self.spec.part,
                    self.spec.host_port,
                    last_words(container).await
                );
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn takes_requests(&self, container: &ContainerAsync<GenericImage>) -> bool {
        let ready: Vec<_> = self.spec.ready.iter().map(String::as_str).collect();
        // From here as well: with an engine on another machine it is not this loopback.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.spec.host_port))
            .await
            .is_ok()
            && succeeds(container, &ready).await.unwrap_or(false)
    }
}

async fn succeeds(container: &ContainerAsync<GenericImage>, command: &[&str]) -> anyhow::Result<bool> {
    let mut run = container.exec(ExecCommand::new(command.iter().copied())).await?;
    // What it prints ends when it does.
    run.stdout_to_vec().await?;
    Ok(run.exit_code().await? == Some(0))
}

async fn last_words(container: &ContainerAsync<GenericImage>) -> String {
    let mut text = container.stdout_to_vec().await.unwrap_or_default();
    text.extend(container.stderr_to_vec().await.unwrap_or_default());
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// By default, ports are published on all interfaces.
fn publish_on_loopback(config: &mut HostConfig) {
    let bindings = config.port_bindings.iter_mut().flat_map(HashMap::values_mut);
    for binding in bindings.flatten().flatten() {
        binding.host_ip = Some(Ipv4Addr::LOCALHOST.to_string());
    }
}

#[cfg(test)]
mod tests {
    use testcontainers::Image;

    use super::generic;

    #[test]
    fn an_image_may_name_a_registry_and_a_tag() {
        let parsed = |image| {
            let image = generic(image);
            (image.name().to_owned(), image.tag().to_owned())
        };
        let is = |name: &str, tag: &str| (name.to_owned(), tag.to_owned());
        assert_eq!(parsed("postgres:15"), is("postgres", "15"));
        assert_eq!(parsed("postgres"), is("postgres", "latest"));
        assert_eq!(
            parsed("registry:5000/payme/postgres"),
            is("registry:5000/payme/postgres", "latest")
        );
        assert_eq!(
            parsed("registry:5000/payme/postgres:15"),
            is("registry:5000/payme/postgres", "15")
        );
    }
}
