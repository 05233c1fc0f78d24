//! What the services promise each other, read from their `contract/` folders and the subscriptions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

/// The CloudEvent types of each topic. `tests/contracts.rs` compares them with what the services' code names.
const TYPES: [(&str, &[&str]); 7] = [
    ("PAYMENT_REQUEST_CHANGED", &["payme.payment_request.changed.v1"]),
    ("SECURITY_ALERT", &["payme.security_alert.raised.v1"]),
    ("SESSION_REVOKED", &["payme.session.revoked.v1"]),
    ("STATEMENT_READY", &["payme.statement.ready.v1"]),
    ("TRANSACTION_MADE", &["payme.transaction.made.v1"]),
    ("USER_LOGGED_IN", &["payme.user.logged_in.v1"]),
    ("USER_REGISTERED", &["payme.user.registered.v1"]),
];

#[derive(Debug, Default)]
pub struct Contracts {
    /// By app-id.
    pub services: BTreeMap<String, Service>,
    pub subscriptions: Vec<Subscription>,
}

#[derive(Debug)]
pub struct Service {
    pub uses: Uses,
    pub openapi: Value,
    /// The schemas of what it publishes, by topic.
    pub events: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Uses {
    pub app_ids: Vec<String>,
    pub publishes: Vec<String>,
    pub consumes: Vec<String>,
}

/// Who gets what of a topic, and where.
#[derive(Debug)]
pub struct Subscription {
    pub topic: String,
    pub consumer: String,
    pub path: String,
    pub dead_letters: Option<String>,
}

impl Contracts {
    /// Reads the tree whose root is `root`.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut contracts = Self::default();
        for folder in files(&root.join("services"))? {
            let folder = folder.join("contract");
            if folder.is_dir() {
                let service = Service::read(&folder)?;
                contracts.services.insert(name_of(folder.parent())?, service);
            }
        }
        for file in files(&root.join("dapr/subscriptions"))? {
            contracts.subscriptions.extend(subscriptions(&file)?);
        }
        // Dead letters come back to their consumer. They are no topic of their own, but a part of the subscription.
        let own: BTreeSet<String> = contracts
            .subscriptions
            .iter()
            .filter_map(|it| it.dead_letters.clone())
            .collect();
        contracts.subscriptions.retain(|it| !own.contains(&it.topic));
        contracts
            .subscriptions
            .sort_by_key(|it| (it.topic.clone(), it.consumer.clone()));
        Ok(contracts)
    }

    /// Each topic with its schema. Two publishers of one topic promise the same.
    pub fn topics(&self) -> anyhow::Result<BTreeMap<&str, &Value>> {
        let mut topics = BTreeMap::new();
        for (topic, schema) in self.services.values().flat_map(|service| &service.events) {
            let other = topics.insert(topic.as_str(), schema);
            ensure!(
                other.is_none_or(|other| other == schema),
                "two publishers of {topic} promise different events"
            );
        }
        Ok(topics)
    }

    /// The app-ids of those that publish a topic.
    pub fn publishers(&self, topic: &str) -> Vec<&str> {
        let publishes = |service: &Service| service.events.contains_key(topic);
        let found = self.services.iter().filter(|(_, service)| publishes(service));
        found.map(|(app_id, _)| app_id.as_str()).collect()
    }
}

impl Service {
    /// Reads a `contract/` folder; an older one may have no `uses.json`.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut events = BTreeMap::new();
        for file in files(&folder.join("events"))? {
            let topic = name_of(Some(&file))?.replace(".schema.json", "");
            events.insert(topic, read_json(&file)?);
        }
        let uses = folder.join("uses.json");
        Ok(Self {
            uses: if uses.exists() {
                serde_json::from_value(read_json(&uses)?)?
            } else {
                Uses::default()
            },
            openapi: read_json(&folder.join("openapi.json"))?,
            events,
        })
    }
}

/// The CloudEvent types that a topic carries.
pub fn types_of(topic: &str) -> anyhow::Result<&'static [&'static str]> {
    let found = TYPES.iter().find(|(name, _)| *name == topic);
    Ok(found
        .with_context(|| format!("tests/src/contracts.rs does not know the types of {topic}"))?
        .1)
}

/// What is in a folder, by name; nothing if it is not there.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

pub fn read_json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn name_of(path: Option<&Path>) -> anyhow::Result<String> {
    let name = path.and_then(Path::file_name).context("a path without a name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn subscriptions(file: &Path) -> anyhow::Result<Vec<Subscription>> {
    #[derive(Deserialize)]
    struct Document {
        spec: Spec,
        scopes: Vec<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Spec {
        topic: String,
        dead_letter_topic: Option<String>,
        routes: Routes,
    }
    #[derive(Deserialize)]
    struct Routes {
        default: String,
    }
    let text = std::fs::read_to_string(file)?;
    let documents: Vec<Document> =
        serde_saphyr::from_multiple(&text).with_context(|| file.display().to_string())?;
    let each = documents.into_iter().flat_map(|Document { spec, scopes }| {
        scopes.into_iter().map(move |consumer| Subscription {
            topic: spec.topic.clone(),
            consumer,
            path: spec.routes.default.clone(),
            dead_letters: spec.dead_letter_topic.clone(),
        })
    });
    Ok(each.collect())
}
