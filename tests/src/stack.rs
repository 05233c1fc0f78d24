//! The whole system on ports and in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Client;
use tempfile::TempDir;
use testkit::free_ports;
use testkit::infra::{self, Backend, Infra};

use crate::logs::Logs;
use crate::process::Process;
use crate::runfile::{App, RunFile};
use crate::within;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const RUN_FILE: &str = "dapr/dapr.yaml";
/// Ports that the infrastructure may take, whatever the component set.
const PORTS_OF_INFRA: u16 = 9;
/// Ports that one app and its sidecar take: app, HTTP, gRPC, metrics, internal gRPC.
const PORTS_PER_APP: u16 = 5;

/// The parts of the infrastructure that run in containers where the test kit finds that they can.
const IN_CONTAINERS: [&str; 3] = ["postgres", "broker", "store"];

/// To be dropped within its runtime: only there can the containers of its infrastructure be removed.
pub struct Stack {
    home: TempDir,
    http: Client,
    env: BTreeMap<String, String>,
    infra: Infra,
    apps: Vec<Member>,
}

/// One service beside its sidecar.
struct Member {
    id: String,
    port: u16,
    env: BTreeMap<String, String>,
    service: Mutex<Option<Process>>,
    sidecar: Mutex<Option<Process>>,
    ports: Vec<u16>,
}

/// A further replica of a service.
pub struct Replica(Member);

impl Replica {
    /// Its own address, past whatever would share the load: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }
}

/// A sidecar beside an app of the test's own.
pub struct Sidecar {
    _process: Process,
}

impl Stack {
    /// Starts infrastructure, sidecars and services, and waits until every service is ready. These variables are set for every
    /// process, in the place of what the run file says.
    pub async fn start_with(backend: Backend, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let run_file = RunFile::read(&Path::new(ROOT).join(RUN_FILE))?;
        let home = tempfile::Builder::new().prefix("payme-test-").tempdir()?;
        let ports = free_ports(u16::try_from(run_file.apps.len())? * PORTS_PER_APP + PORTS_OF_INFRA);
        let (infra, of_apps) = ports.split_at(PORTS_OF_INFRA.into());
        let mut env = infra_env(home.path(), infra[0])?;
        let of_sidecars = of_apps
            .chunks_exact(PORTS_PER_APP.into())
            .map(|ports| ports[1].to_string());
        env.insert(
            "PAYME_SIDECAR_PORTS".to_owned(),
            of_sidecars.collect::<Vec<_>>().join(" "),
        );
        env.extend(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        env.insert(
            "TOKEN_PROVIDER".to_owned(),
            program("token-provider")?.display().to_string(),
        );
        // The infrastructure makes its secrets by itself, but containers are started before the rest of it.
        infra::run("secrets", &[], &env)?;
        let infra = Infra::place(backend, env.clone(), &IN_CONTAINERS).await?;
        let mut stack = Self {
            home,
            http: Client::new(),
            env,
            infra,
            apps: Vec::new(),
        };
        stack.infra.script(&["up"])?;
        stack.env.extend(stack.tokens()?);
        for (app, ports) in run_file
            .apps
            .iter()
            .zip(of_apps.chunks_exact(PORTS_PER_APP.into()))
        {
            let member = stack.launch(app, &run_file, ports, of_apps[0])?;
            stack.apps.push(member);
        }
        stack.ready().await?;
        Ok(stack)
    }
}

impl Stack {
    /// What a browser's address bar would show: `http://127.0.0.1:<port>`.
    pub fn origin(&self) -> String {
        self.url("gateway", "")
    }

    /// The address of a service's own port, past the gateway and all sidecars.
    pub fn url(&self, app_id: &str, path: &str) -> String {
        let port = self
            .apps
            .iter()
            .find(|app| app.id == app_id)
            .map_or(0, |app| app.port);
        format!("http://127.0.0.1:{port}{path}")
    }

    /// The address of a service's sidecar, which lets in who knows `DAPR_API_TOKEN`.
    pub fn sidecar_url(&self, app_id: &str, path: &str) -> anyhow::Result<String> {
        let port = &self.env_of(app_id)?["DAPR_HTTP_PORT"];
        Ok(format!("http://127.0.0.1:{port}{path}"))
    }

    /// What a service finds in its environment.
    pub fn env_of(&self, app_id: &str) -> anyhow::Result<&BTreeMap<String, String>> {
        Ok(&self.member(app_id)?.env)
    }

    /// The folder that holds this stack's data, secrets, mails and logs.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The variables that point scripts at this stack instead of the one of `make up`.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// What this stack's services and sidecars have behind them, part by part.
    pub fn infra(&self) -> &Infra {
        &self.infra
    }

    /// Moves the system that runs to another component set, and comes back when nothing is left in the old broker. A sidecar that ends
    /// meanwhile is started again, as `make up` and Kubernetes do.
    pub async fn swap(&self, set: &str) -> anyhow::Result<()> {
        let mut command = self.infra.command(&["swap"]);
        command.env("PAYME_SET", set);
        let mut command = tokio::process::Command::from(command);
        let output = command.output();
        tokio::pin!(output);
        let output = loop {
            tokio::select! {
                output = &mut output => break output?,
                () = tokio::time::sleep(Duration::from_millis(200)) => self.start_ended_sidecars()?,
            }
        };
        ensure!(
            output.status.success(),
            "swap to {set}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn start_ended_sidecars(&self) -> anyhow::Result<()> {
        for app in &self.apps {
            let ended = match &mut *lock(&app.sidecar) {
                Some(sidecar) => sidecar.has_ended()?,
                None => false,
            };
            if ended {
                self.start_sidecar_again(&app.id)?;
            }
        }
        Ok(())
    }

    /// The component set in use, and the one after it, in the order of their names and round again.
    pub fn set_and_next(&self) -> anyhow::Result<(String, String)> {
        let set = std::fs::read_to_string(self.home().join("set"))?
            .trim()
            .to_owned();
        let mut sets = Vec::new();
        for folder in std::fs::read_dir(Path::new(ROOT).join("components"))? {
            let folder = folder?;
            if folder.path().join("mail.yaml").exists() {
                sets.push(folder.file_name().to_string_lossy().into_owned());
            }
        }
        sets.sort();
        let next = sets.iter().find(|other| **other > set).or_else(|| sets.first());
        let next = next.context("no component sets")?.clone();
        Ok((set, next))
    }

    /// All mails to an address, as a person would read them, oldest first.
    pub fn mails_to(&self, address: &str) -> anyhow::Result<String> {
        infra::run("mail", &[address], &self.env)
    }

    /// SIGKILL for the service; its sidecar stays.
    pub fn kill(&self, app_id: &str) -> anyhow::Result<()> {
        self.service(app_id)?.take().context("it is not running")?.kill()
    }

    /// SIGTERM for the service, and how it ended.
    pub fn terminate(&self, app_id: &str) -> anyhow::Result<std::process::ExitStatus> {
        self.service(app_id)?
            .take()
            .context("it is not running")?
            .terminate()
    }

    /// Runs a command of a service, such as `auth admin grant USERNAME`, with the environment that the service has.
    pub fn command(&self, app_id: &str, args: &[&str]) -> anyhow::Result<()> {
        let output = Command::new(program(app_id)?)
            .args(args)
            .envs(self.env_of(app_id)?)
            .output()?;
        ensure!(
            output.status.success(),
            "{app_id} {args:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Starts a service that was killed.
    pub fn start_again(&self, app_id: &str) -> anyhow::Result<()> {
        let app = self.member(app_id)?;
        let process = start_service(&app.id, &app.env, self.home.path())?;
        *self.service(app_id)? = Some(process);
        Ok(())
    }

    /// SIGKILL for the sidecar; its service stays.
    pub fn kill_sidecar(&self, app_id: &str) -> anyhow::Result<()> {
        let mut sidecar = lock(&self.member(app_id)?.sidecar);
        sidecar.take().context("it is not running")?.kill()
    }

    /// Starts a sidecar that was killed, on the same ports.
    pub fn start_sidecar_again(&self, app_id: &str) -> anyhow::Result<()> {
        let member = self.member(app_id)?;
        let file = RunFile::read(&Path::new(ROOT).join(RUN_FILE))?;
        let app = file.apps.iter().find(|app| app.id == app_id);
        let app = app.with_context(|| format!("no app {app_id}"))?;
        let sidecar = self.start_sidecar(app, &file, &member.ports, &member.env)?;
        *lock(&member.sidecar) = Some(sidecar);
        Ok(())
    }

    /// Waits until every service says that it is ready.
    pub async fn ready(&self) -> anyhow::Result<()> {
        for app in &self.apps {
            self.ready_is(app).await?;
        }
        Ok(())
    }

    /// It says so, and others reach it: its sidecar takes it for healthy a little later, and refuses all calls until then.
    async fn ready_is(&self, app: &Member) -> anyhow::Result<()> {
        let ready = format!("http://127.0.0.1:{}/readyz", app.port);
        let reached = self.sidecar_url("gateway", &format!("/v1.0/invoke/{}/method/healthz", app.id))?;
        let token = &self.env["DAPR_API_TOKEN"];
        within(
            Duration::from_mins(3),
            &format!("{} is ready", app.id),
            || async {
                for url in [&ready, &reached] {
                    let request = self.http.get(url).header("dapr-api-token", token);
                    let answer = request.send().await.ok()?;
                    answer.status().is_success().then_some(())?;
                }
                Some(())
            },
        )
        .await
        .with_context(|| Logs::whole(self.home()).since().unwrap_or_default())
    }

    /// Another replica of a service, with a sidecar of its own and the same of everything else, until it is dropped.
    pub async fn replica(&self, app_id: &str) -> anyhow::Result<Replica> {
        let file = RunFile::read(&Path::new(ROOT).join(RUN_FILE))?;
        let app = file.apps.iter().find(|app| app.id == app_id);
        let app = app.with_context(|| format!("no app {app_id}"))?;
        let member = self.launch(
            app,
            &file,
            &free_ports(PORTS_PER_APP),
            self.member("gateway")?.port,
        )?;
        self.ready_is(&member).await?;
        Ok(Replica(member))
    }

    /// A sidecar for an app of the caller's own, which listens on `port`, until it is dropped. It gets what the sidecar of
    /// the service `like` gets, but is another app.
    pub fn sidecar_for(&self, app_id: &str, like: &str, port: u16) -> anyhow::Result<Sidecar> {
        let file = RunFile::read(&Path::new(ROOT).join(RUN_FILE))?;
        let like = file
            .apps
            .iter()
            .find(|app| app.id == like)
            .context("no such app")?;
        let app = App {
            id: app_id.to_owned(),
            config: like.config.clone(),
            env: BTreeMap::new(),
        };
        let mut env = file.common.env.clone();
        env.extend(self.env.clone());
        env.insert("DAPR_HOST_IP".to_owned(), "127.0.0.1".to_owned());
        let mut ports = free_ports(PORTS_PER_APP);
        ports[0] = port;
        Ok(Sidecar {
            _process: self.start_sidecar(&app, &file, &ports, &env)?,
        })
    }

    /// Everything that a service has logged.
    pub async fn log_of(&self, app_id: &str) -> anyhow::Result<String> {
        Ok(tokio::fs::read_to_string(log(self.home(), app_id)).await?)
    }

    fn member(&self, app_id: &str) -> anyhow::Result<&Member> {
        self.apps
            .iter()
            .find(|app| app.id == app_id)
            .with_context(|| format!("no app {app_id}"))
    }

    fn service(&self, app_id: &str) -> anyhow::Result<MutexGuard<'_, Option<Process>>> {
        Ok(lock(&self.member(app_id)?.service))
    }

    /// `APP_API_TOKEN` and `DAPR_API_TOKEN`, which the infrastructure made for this stack.
    fn tokens(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let text = std::fs::read_to_string(self.home().join("secrets/tokens.env"))?;
        Ok(variables(&text))
    }

    fn launch(&self, app: &App, file: &RunFile, ports: &[u16], gateway_port: u16) -> anyhow::Result<Member> {
        let mut env = file.common.env.clone();
        env.extend(app.env.clone());
        env.extend(self.env.clone());
        for (name, port) in [
            ("APP_PORT", ports[0]),
            ("DAPR_HTTP_PORT", ports[1]),
            ("DAPR_GRPC_PORT", ports[2]),
        ] {
            env.insert(name.to_owned(), port.to_string());
        }
        env.insert("DAPR_HOST_IP".to_owned(), "127.0.0.1".to_owned());
        if env.contains_key("PUBLIC_ORIGIN") {
            env.insert(
                "PUBLIC_ORIGIN".to_owned(),
                format!("http://127.0.0.1:{gateway_port}"),
            );
        }
        self.point_at_own_database(&mut env)?;
        let service = start_service(&app.id, &env, self.home())?;
        let sidecar = self.start_sidecar(app, file, ports, &env)?;
        Ok(Member {
            id: app.id.clone(),
            port: ports[0],
            env,
            service: Mutex::new(Some(service)),
            sidecar: Mutex::new(Some(sidecar)),
            ports: ports.to_vec(),
        })
    }

    /// The run file names the ports and paths of `make up`; only those two differ here.
    fn point_at_own_database(&self, env: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
        if let Some(url) = env.get("DATABASE_URL") {
            let (role, database) = url
                .strip_prefix("postgres://")
                .and_then(|rest| Some((rest.split_once('@')?.0, rest.rsplit_once('/')?.1)))
                .context("DATABASE_URL has another form than postgres://role@host:port/database")?;
            let own = format!(
                "postgres://{role}@127.0.0.1:{}/{database}",
                self.env["PAYME_PG_PORT"]
            );
            env.insert("DATABASE_URL".to_owned(), own);
        }
        if let Some(file) = env.get("PGPASSFILE").and_then(|path| Path::new(path).file_name()) {
            let own = self.home().join("secrets").join(file);
            env.insert("PGPASSFILE".to_owned(), own.display().to_string());
        }
        Ok(())
    }

    fn start_sidecar(
        &self,
        app: &App,
        file: &RunFile,
        ports: &[u16],
        env: &BTreeMap<String, String>,
    ) -> anyhow::Result<Process> {
        let dapr = Path::new(ROOT).join("dapr");
        let mut args: Vec<String> = [
            ("--app-id", app.id.clone()),
            ("--app-port", ports[0].to_string()),
            ("--dapr-http-port", ports[1].to_string()),
            ("--dapr-grpc-port", ports[2].to_string()),
            ("--metrics-port", ports[3].to_string()),
            ("--dapr-internal-grpc-port", ports[4].to_string()),
            ("--dapr-listen-addresses", "127.0.0.1".to_owned()),
            ("--dapr-internal-grpc-listen-address", "127.0.0.1".to_owned()),
            ("--metrics-listen-address", "127.0.0.1".to_owned()),
            ("--placement-host-address", String::new()),
            ("--scheduler-host-address", String::new()),
            ("--enable-app-health-check", "true".to_owned()),
            ("--app-health-check-path", "/healthz".to_owned()),
            ("--app-health-probe-interval", "1".to_owned()),
            ("--app-health-probe-timeout", "1000".to_owned()),
            ("--log-level", "warn".to_owned()),
        ]
        .into_iter()
        // `--flag ""` and a boolean flag with a separate value are both read wrongly; `--flag=value` is not.
        .map(|(flag, value)| format!("{flag}={value}"))
        .collect();
        for path in &file.common.resources_paths {
            // What the run file has in the apps' folder, this stack has in its own.
            let own = path
                .strip_prefix("../.payme/")
                .map(|inside| self.home().join(inside));
            args.push(format!(
                "--resources-path={}",
                own.unwrap_or_else(|| dapr.join(path)).display()
            ));
        }
        if let Some(config) = &app.config {
            // The run file names it from the apps' folder, which this stack does not share.
            let config = config
                .rsplit_once("/dapr/")
                .map_or(config.as_str(), |(_, inside)| inside);
            args.push(format!("--config={}", dapr.join(config).display()));
        }
        let name = format!("{}-sidecar", app.id);
        Process::start(
            &name,
            &daprd()?,
            &args,
            env,
            self.home(),
            &log(self.home(), &name),
        )
    }
}

impl Stack {
    /// Ends everything at once, for who is interrupted and can't drop it.
    pub async fn end(&self) -> anyhow::Result<()> {
        for app in &self.apps {
            lock(&app.sidecar).take();
            lock(&app.service).take();
        }
        self.infra.script(&["down"])?;
        self.infra.remove_containers().await?;
        Ok(std::fs::remove_dir_all(self.home())?)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Sidecars and services first, so that nobody logs a lost database.
        self.apps.clear();
        if let Err(error) = self.infra.script(&["down"]) {
            eprintln!("the test's infrastructure could not be stopped: {error:#}");
        }
    }
}

fn lock(process: &Mutex<Option<Process>>) -> MutexGuard<'_, Option<Process>> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_service(id: &str, env: &BTreeMap<String, String>, home: &Path) -> anyhow::Result<Process> {
    Process::start(id, &program(id)?, &[], env, home, &log(home, id))
}

fn log(home: &Path, name: &str) -> PathBuf {
    home.join(format!("{name}.log"))
}

/// What runs as a service: a program of its name in the folder `PAYME_REPLACEMENTS`, if there is one, else what is built here.
fn program(app_id: &str) -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("PAYME_REPLACEMENTS") {
        // A folder that is not there is a mistake: the tests would pass without having seen the replacement.
        let folder = std::fs::canonicalize(folder).context("PAYME_REPLACEMENTS names no folder")?;
        let replacement = folder.join(app_id);
        if replacement.exists() {
            return Ok(replacement);
        }
    }
    Ok(binaries()?.join(app_id))
}

/// The services are built beside who starts them: `<target>/<profile>/deps/<a test>` or `<target>/<profile>/bench`.
fn binaries() -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let folder = exe
        .parent()
        .context("the test does not run from a target folder")?;
    let profile = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(profile.unwrap_or(folder).to_owned())
}

/// The daprd that `make up` uses, found or built by the same script.
fn daprd() -> anyhow::Result<PathBuf> {
    let output = Command::new(Path::new(ROOT).join("dapr/toolchain/ensure"))
        .arg("daprd")
        .output()?;
    ensure!(
        output.status.success(),
        "no daprd: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// The variables of a stack in a folder of its own with ports from `first` on: what its scripts and components refer to.
fn infra_env(home: &Path, first: u16) -> anyhow::Result<BTreeMap<String, String>> {
    let stack = BTreeMap::from([
        ("PAYME_HOME".to_owned(), home.display().to_string()),
        ("PAYME_PORTS".to_owned(), first.to_string()),
    ]);
    Ok(variables(&infra::run("infra", &["env"], &stack)?))
}

/// What stands in lines of the form NAME=value.
fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
