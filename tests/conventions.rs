//! Rules of the tree that a reviewer would otherwise have to remember.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has to end")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const SERVICES: [&str; 8] = [
    "account",
    "activity",
    "auth",
    "email",
    "gateway",
    "token-provider",
    "transaction",
    "user",
];

/// Every Rust file of the services, as (path, text).
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&Path::new(ROOT).join("services"), &mut found);
    found
}

fn collect(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_service_depends_on_another() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        // The rule is about services; the bench drives the ledger in process.
        if name == "tests" || name == "bench" {
            continue;
        }
        seen += usize::from(SERVICES.contains(&name));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            assert!(
                !SERVICES.contains(&other),
                "{name} depends on the service {other}"
            );
        }
    }
    assert_eq!(seen, SERVICES.len());
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let pages: BTreeSet<String> = std::fs::read_dir(Path::new(ROOT).join("docs/errors"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README")
        .collect();
    let text: String = sources()
        .into_iter()
        .filter(|(path, _)| path.components().any(|part| part.as_os_str() == "src"))
        .map(|(_, text)| text)
        .collect();
    let codes = codes_in(&text);
    let missing: Vec<_> = codes.difference(&pages).collect();
    assert!(
        missing.is_empty(),
        "codes without a page in docs/errors: {missing:?}"
    );
    let unused: Vec<_> = pages
        .iter()
        .filter(|page| !text.contains(&format!("\"{page}\"")))
        .collect();
    assert!(
        unused.is_empty(),
        "pages of codes that no service answers: {unused:?}"
    );
}

/// The second argument of each `Problem::new(StatusCode::…, "code", …)`.
fn codes_in(text: &str) -> BTreeSet<String> {
    text.split("Problem::new(")
        .skip(1)
        .filter_map(|call| call.split_once("StatusCode::"))
        .filter(|(before, _)| before.trim().is_empty())
        .filter_map(|(_, rest)| rest.split('"').nth(1).map(str::to_owned))
        .collect()
}

#[test]
fn every_service_has_its_page_and_its_contract() {
    for service in SERVICES {
        let dir = Path::new(ROOT).join("services").join(service);
        for file in ["README.md", "contract/openapi.json", "contract/uses.json"] {
            assert!(dir.join(file).is_file(), "{service} has no {file}");
        }
        let main = std::fs::read_to_string(dir.join("src/main.rs")).unwrap();
        assert!(
            main.lines().count() <= 60,
            "main.rs of {service} is no longer a table of contents"
        );
    }
}

#[test]
fn every_service_says_how_it_is_run_alone() {
    for service in SERVICES {
        let output = Command::new(Path::new(ROOT).join("INFRASTRUCTURE/local/service"))
            .args(["line", service])
            .env_remove("PAYME_PORTS")
            .env_remove("PAYME_HOME")
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(line.starts_with("dapr run "), "{service}: {line}");
        let page = std::fs::read_to_string(Path::new(ROOT).join("services").join(service).join("README.md"))
            .unwrap();
        assert!(
            page.contains(&line),
            "the README of {service} lacks the line {line}"
        );
    }
}

#[test]
fn every_test_that_the_asvs_table_names_is_there() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/asvs.md")).unwrap();
    let open: Vec<_> = page.lines().filter(|line| line.contains("TODO")).collect();
    assert!(open.is_empty(), "requirements that wait for a test: {open:#?}");
    let named = tests_named_in(&page);
    assert!(!named.is_empty(), "the table names no test");
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(path, test)| {
            let text = std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default();
            !text.contains(&format!("fn {test}("))
        })
        .collect();
    assert!(missing.is_empty(), "tests that are not there: {missing:#?}");
}

/// What stands in backquotes as `services/auth/tests/users.rs: a_name_of_a_test`.
fn tests_named_in(page: &str) -> Vec<(&str, &str)> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once(": "))
        .filter(|(path, _)| Path::new(path).extension().is_some_and(|ext| ext == "rs"))
        .collect()
}

#[test]
fn each_file_of_tests_is_in_a_program() {
    let forgotten: Vec<PathBuf> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("tests")))
        .filter(|path| {
            let name = path.file_stem().unwrap().to_string_lossy();
            let folder = path.parent().unwrap();
            let manifest = std::fs::read_to_string(folder.with_file_name("Cargo.toml")).unwrap();
            // Otherwise cargo makes a program of each file.
            if !manifest.contains("autotests = false") {
                return false;
            }
            let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
            !main.contains(&format!("mod {name};"))
                && !manifest.contains(&format!("path = \"tests/{name}.rs\""))
        })
        .collect();
    assert!(
        forgotten.is_empty(),
        "tests that nobody runs, add them to `tests/main.rs`: {forgotten:#?}"
    );
}

#[test]
fn a_cluster_gets_all_that_a_sidecar_reads() {
    let dapr = Path::new(ROOT).join("dapr");
    let list = std::fs::read_to_string(dapr.join("kustomization.yaml")).unwrap();
    let missing: Vec<String> = ["config", "resiliency", "subscriptions"]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(dapr.join(folder)).unwrap())
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(&dapr)
                .unwrap()
                .display()
                .to_string()
        })
        .filter(|file| !list.contains(&format!("  - {file}\n")))
        .collect();
    assert!(missing.is_empty(), "not in dapr/kustomization.yaml: {missing:?}");
}

/// What stands behind Dapr, and the component types' names for it. PostgreSQL is not among them: services keep their tables there.
const SWAPPABLE: [&str; 14] = [
    "redis",
    "kafka",
    "nats",
    "jetstream",
    "rabbit",
    "amqp",
    "sqlite",
    "mqtt",
    "pulsar",
    "vault",
    "state.",
    "pubsub.",
    "bindings.",
    "secretstores.",
];

#[test]
fn no_code_names_a_broker_or_a_store() {
    let mut found = sources();
    collect(&Path::new(ROOT).join("tests"), &mut found);
    let itself = Path::new(file!()).file_name();
    let named: Vec<String> = found
        .iter()
        .filter(|(path, _)| path.file_name() != itself)
        .flat_map(|(path, text)| {
            swappable_in(text).map(move |(line, name)| format!("{}:{line}: {name}", path.display()))
        })
        .collect();
    assert!(
        named.is_empty(),
        "what stands behind Dapr is for components/ to name, and may be another tomorrow; code knows `pubsub`, `statestore`, \
         `secretstore` and `mail`: {named:#?}"
    );
}

#[test]
fn a_name_of_a_broker_or_a_store_is_found() {
    let found = |text| swappable_in(text).map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(found("let broker = \"Redis\";"), ["redis"]);
    assert_eq!(found("kind: \"state.postgresql\""), ["state."]);
    assert_eq!(found("fn ask_nats() {}"), ["nats"]);
    assert!(found("signatures, the state of a hold, self.state.pool, `statestore`, alternatsu").is_empty());
}

/// The lines, counted from one, that name one of [`SWAPPABLE`]. A name is not part of a longer word, but may be joined to others
/// by `_`; a component type stands in quotes.
fn swappable_in(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let in_line = |line: &str| {
        let line = line.to_lowercase();
        SWAPPABLE.into_iter().filter(move |name| {
            if name.ends_with('.') {
                return line.contains(&format!("\"{name}"));
            }
            line.split(|letter: char| !letter.is_ascii_alphabetic())
                .any(|word| word.starts_with(name) && word.len() <= name.len() + 2)
        })
    };
    text.lines()
        .enumerate()
        .flat_map(move |(line, text)| in_line(text).map(move |name| (line + 1, name)))
}
