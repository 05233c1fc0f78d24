//! What the services promise is well formed, agrees with itself, and is kept: what was promised before still holds, and
//! events of earlier versions can still be read.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has to end")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::contracts::{Contracts, Service, files, read_json, types_of};
use tests::{asyncapi, compat};

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

fn today() -> Contracts {
    Contracts::read(&root()).unwrap()
}

/// Every operation of a document as ("GET /things", operation).
fn operations(openapi: &Value) -> Vec<(String, &Value)> {
    let paths = openapi["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods
            .iter()
            .map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
    });
    each.collect()
}

/// Every `$ref` of a document that leads nowhere.
fn lost_references(document: &Value) -> Vec<String> {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, &mut found);
    let leads = |to: &str| to.strip_prefix('#').and_then(|to| document.pointer(to)).is_some();
    found
        .into_iter()
        .filter(|to| !leads(to))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_openapi_document_is_well_formed() {
    for (app_id, service) in today().services {
        let openapi = &service.openapi;
        assert!(
            openapi["openapi"].as_str().unwrap().starts_with("3.1."),
            "{app_id}"
        );
        assert!(
            openapi["info"]["title"].is_string() && openapi["info"]["version"].is_string(),
            "{app_id}"
        );
        assert_eq!(lost_references(openapi), Vec::<String>::new(), "{app_id}");
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(openapi) {
            let name = format!("{app_id}: {name}");
            let id = operation["operationId"].as_str();
            assert!(
                id.is_some_and(|id| ids.insert(id)),
                "{name} has no operationId of its own"
            );
            assert!(operation["summary"].is_string(), "{name} has no summary");
            assert!(
                !operation["tags"].as_array().unwrap().is_empty(),
                "{name} has no tag"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with(['2', '3'])),
                "{name} says no success"
            );
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(
                    parameter["name"].is_string() && parameter["in"].is_string(),
                    "{name}: {parameter}"
                );
                assert!(
                    parameter["in"] != "path" || parameter["required"] == true,
                    "{name}: {parameter}"
                );
            }
        }
    }
}

#[test]
fn every_path_parameter_is_described() {
    for (app_id, service) in today().services {
        for (name, operation) in operations(&service.openapi) {
            let named: BTreeSet<_> = name
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
                .collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path = parameters.filter(|it| it["in"] == "path");
            let described: BTreeSet<_> = in_path.filter_map(|it| it["name"].as_str()).collect();
            assert_eq!(named, described, "{app_id}: {name}");
        }
    }
}

#[test]
fn every_schema_is_valid() {
    for (app_id, service) in today().services {
        for (topic, schema) in &service.events {
            assert_eq!(
                schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
                "{topic}"
            );
            assert_eq!(lost_references(schema), Vec::<String>::new(), "{topic}");
            jsonschema::draft202012::meta::validate(schema)
                .unwrap_or_else(|error| panic!("{topic}: {error}"));
        }
        // OpenAPI 3.1's schemas are JSON Schema 2020-12.
        for (name, schema) in service.openapi["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
        {
            jsonschema::draft202012::meta::validate(schema)
                .unwrap_or_else(|error| panic!("{app_id}: {name}: {error}"));
        }
    }
}

#[test]
fn services_publish_and_consume_what_they_say() {
    let contracts = today();
    for (app_id, service) in &contracts.services {
        let promised: BTreeSet<_> = service.uses.publishes.iter().collect();
        assert_eq!(promised, service.events.keys().collect(), "{app_id} publishes");
        let subscribed = contracts.subscriptions.iter().filter(|it| it.consumer == *app_id);
        let consumed: BTreeSet<_> = service.uses.consumes.iter().collect();
        assert_eq!(
            consumed,
            subscribed.map(|it| &it.topic).collect(),
            "{app_id} consumes"
        );
        for other in &service.uses.app_ids {
            assert!(
                contracts.services.contains_key(other),
                "{app_id} calls {other}, which is not there"
            );
        }
    }
    let topics = contracts.topics().unwrap();
    for subscription in &contracts.subscriptions {
        assert!(
            topics.contains_key(&*subscription.topic),
            "nobody publishes {}",
            subscription.topic
        );
    }
}

#[test]
fn the_asyncapi_document_names_every_event_and_leads_nowhere_wrong() {
    let document = asyncapi::document(&today()).unwrap();
    assert_eq!(lost_references(&document), Vec::<String>::new());
    let messages: BTreeSet<_> = document["components"]["messages"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(messages, types_in_the_code());
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Every CloudEvent type that a service's code names.
fn types_in_the_code() -> BTreeSet<String> {
    fn collect(path: &Path, found: &mut BTreeSet<String>) {
        if path.is_dir() {
            files(path).unwrap().iter().for_each(|path| collect(path, found));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let quoted = text
                .split('"')
                .filter(|it| it.starts_with("payme.") && it.contains(".v"));
            found.extend(
                quoted
                    .filter(|it| !it.contains(char::is_whitespace))
                    .map(str::to_owned),
            );
        }
    }
    let mut found = BTreeSet::new();
    for service in today().services.keys() {
        collect(&root().join("services").join(service).join("src"), &mut found);
    }
    found
}

#[test]
fn recorded_events_of_every_version_fit_todays_schemas() {
    let contracts = today();
    for (topic, schema) in contracts.topics().unwrap() {
        let schema = jsonschema::options()
            .should_validate_formats(true)
            .build(schema)
            .unwrap();
        let recorded = files(&root().join("tests/contracts/events").join(topic)).unwrap();
        assert!(!recorded.is_empty(), "no event of {topic} is recorded");
        for file in recorded {
            let event = read_json(&file).unwrap();
            let name = file.display();
            assert!(
                types_of(topic).unwrap().iter().any(|kind| event["type"] == *kind),
                "{name}"
            );
            assert!(
                schema.is_valid(&event["data"]),
                "{name}: {:?}",
                schema.validate(&event["data"])
            );
        }
    }
}

#[test]
fn every_word_of_an_alert_and_of_a_reason_is_recorded() {
    let words = |topic: &str, field: &str| -> BTreeSet<String> {
        let recorded = files(&root().join("tests/contracts/events").join(topic)).unwrap();
        let word = |file: &PathBuf| {
            read_json(file).unwrap()["data"][field]
                .as_str()
                .unwrap()
                .to_owned()
        };
        recorded.iter().map(word).collect()
    };
    let contracts = today();
    let topics = contracts.topics().unwrap();
    for (topic, field, definition) in [
        ("SECURITY_ALERT", "kind", "Kind"),
        ("SESSION_REVOKED", "reason", "Reason"),
    ] {
        let variants = topics[topic]["$defs"][definition]["oneOf"].as_array().unwrap();
        let all = variants.iter().flat_map(|it| {
            it["enum"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![it["const"].clone()])
        });
        let all: BTreeSet<_> = all.map(|word| word.as_str().unwrap().to_owned()).collect();
        assert!(
            all.is_subset(&words(topic, field)),
            "{topic}: {:?}",
            all.difference(&words(topic, field))
        );
    }
}

#[test]
fn nothing_that_was_promised_is_taken_back() {
    let folders = files(&root().join("tests/contracts/baseline")).unwrap();
    let service = |folder: PathBuf| {
        let app_id = folder.file_name().unwrap().to_string_lossy().into_owned();
        (app_id, Service::read(&folder).unwrap())
    };
    let promised: BTreeMap<_, _> = folders.into_iter().map(service).collect();
    assert!(!promised.is_empty());
    let breaks = compat::breaks(&promised, &today().services);
    assert!(
        breaks.is_empty(),
        "promised in tests/contracts/baseline, and taken back:\n{}",
        breaks.join("\n")
    );
}
