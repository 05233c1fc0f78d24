//! Writes what is made of all contracts together: `docs/asyncapi.json` and `docs/contracts.md`. `make contracts` runs it.

use std::fmt::Write;
use std::path::Path;

use tests::asyncapi;
use tests::contracts::{Contracts, types_of};

const INTRODUCTION: &str = "\
# All contracts

Made by `make contracts` of each service's `contract/` folder and `dapr/subscriptions/`; `make check` fails while it is out of date.
The topics as one AsyncAPI document: [asyncapi.json](asyncapi.json).
";

const PROMISES: &str = "\
## What is promised

[tests/contracts/baseline](../tests/contracts/baseline) holds the contracts as they were promised last, and `make test` fails with the
difference in words where today's take something back: `transaction: GET /transactions lost the response field 'items[].fee'`.
What only adds passes: a route, an optional parameter, a field of an answer, an optional field of an event, a new word in a list of words
(who reads one takes words that they do not know). `make contracts` never touches the baseline. It moves with the next version, and
only then: copy `services/*/contract/{openapi.json,events}` over it in the commit that raises the version in `Cargo.toml`, and say in
its message what was taken back and how long both ways were offered. A break of an event is a new CloudEvent type (`….v2`) on the same
topic beside the old one.

[tests/contracts/events](../tests/contracts/events) holds events of every earlier version. They are checked against today's schemas
and delivered to today's consumers (`services/*/tests/earlier_events.rs`). Whoever changes an event adds one of the new shape and leaves the
old ones.
";

fn main() -> anyhow::Result<()> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let contracts = Contracts::read(root)?;
    let asyncapi = serde_json::to_string_pretty(&asyncapi::document(&contracts)?)?;
    std::fs::write(root.join("docs/asyncapi.json"), asyncapi + "\n")?;
    std::fs::write(root.join("docs/contracts.md"), page(&contracts)?)?;
    Ok(())
}

fn page(contracts: &Contracts) -> anyhow::Result<String> {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## Services\n\n| service | HTTP | publishes | consumes | calls |\n|---|---|---|---|---|\n";
    for (app_id, service) in &contracts.services {
        let contract = format!("../services/{app_id}/contract");
        let routes = routes(&service.openapi);
        let publishes = service
            .uses
            .publishes
            .iter()
            .map(|topic| format!("[{topic}]({contract}/events/{topic}.schema.json)"))
            .collect::<Vec<_>>();
        writeln!(
            page,
            "| [{app_id}](../services/{app_id}) | [{routes} operations]({contract}/openapi.json) | {} | {} | {} |",
            list(&publishes),
            list(&service.uses.consumes),
            list(&service.uses.app_ids)
        )?;
    }
    page += "\n## Topics\n\n| topic | CloudEvent types | from | to | dead letters |\n|---|---|---|---|---|\n";
    for topic in contracts.topics()?.keys() {
        let of_topic = || contracts.subscriptions.iter().filter(|it| it.topic == *topic);
        let to: Vec<_> = of_topic()
            .map(|it| format!("{} `{}`", it.consumer, it.path))
            .collect();
        let dead: Vec<_> = of_topic().filter_map(|it| it.dead_letters.clone()).collect();
        let types: Vec<_> = types_of(topic)?.iter().map(|kind| format!("`{kind}`")).collect();
        let from = contracts.publishers(topic).join(", ");
        let (types, to, dead) = (list(&types), list(&to), list(&dead));
        writeln!(page, "| {topic} | {types} | {from} | {to} | {dead} |")?;
    }
    Ok(page + "\n" + PROMISES)
}

fn routes(openapi: &serde_json::Value) -> usize {
    let paths = openapi["paths"].as_object().into_iter().flatten();
    paths
        .map(|(_, path)| path.as_object().map_or(0, serde_json::Map::len))
        .sum()
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        "–".to_owned()
    } else {
        items.join(", ")
    }
}
