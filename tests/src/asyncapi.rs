//! The `AsyncAPI` document of the whole system: every topic, what it carries, who sends and who receives it.

use serde_json::{Map, Value, json};

use crate::contracts::{Contracts, types_of};

/// In `AsyncAPI` 3.0.0.
pub fn document(contracts: &Contracts) -> anyhow::Result<Value> {
    let mut channels = Map::new();
    let mut messages = Map::new();
    let mut schemas = Map::new();
    schemas.insert("CloudEvent".to_owned(), envelope());
    for (topic, schema) in contracts.topics()? {
        add_schema(&mut schemas, topic, schema);
        for kind in types_of(topic)? {
            messages.insert((*kind).to_owned(), message(topic, kind, schema));
        }
        let about = text(schema, "description");
        channels.insert(topic.to_owned(), channel(topic, about, topic)?);
        for subscription in contracts.subscriptions.iter().filter(|it| it.topic == topic) {
            if let Some(dead) = &subscription.dead_letters {
                let about = format!("What {} could not take of {topic}.", subscription.consumer);
                channels.insert(dead.clone(), channel(dead, &about, topic)?);
            }
        }
    }
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "PayMe's events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Delivery is at least once and in order per `subject`: consumers dedupe by `id`. An event only gains \
                            optional fields and new words where it has a list of words.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations(contracts)?,
        "components": { "messages": messages, "schemas": schemas },
    }))
}

fn channel(address: &str, about: &str, carries: &str) -> anyhow::Result<Value> {
    let reference = |kind: &&str| {
        let to = format!("#/components/messages/{kind}");
        ((*kind).to_owned(), json!({ "$ref": to }))
    };
    let messages: Map<_, _> = types_of(carries)?.iter().map(reference).collect();
    Ok(json!({ "address": address, "description": about, "messages": messages }))
}

fn message(topic: &str, kind: &str, schema: &Value) -> Value {
    json!({
        "name": kind,
        "title": text(schema, "title"),
        "contentType": "application/cloudevents+json",
        "payload": { "allOf": [
            { "$ref": "#/components/schemas/CloudEvent" },
            { "type": "object", "properties": {
                "type": { "const": kind },
                "data": { "$ref": format!("#/components/schemas/{topic}") },
            }},
        ]},
    })
}

fn operations(contracts: &Contracts) -> anyhow::Result<Map<String, Value>> {
    let mut operations = Map::new();
    for (app_id, service) in &contracts.services {
        for topic in &service.uses.publishes {
            operations.insert(
                format!("{app_id}.send.{topic}"),
                operation("send", app_id, topic)?,
            );
        }
    }
    for subscription in &contracts.subscriptions {
        let (consumer, topic) = (&subscription.consumer, &subscription.topic);
        let mut operation = operation("receive", consumer, topic)?;
        operation["x-delivered-to"] = json!(subscription.path);
        if let Some(dead) = &subscription.dead_letters {
            operation["x-dead-letters"] = json!({ "$ref": format!("#/channels/{dead}") });
        }
        operations.insert(format!("{consumer}.receive.{topic}"), operation);
    }
    Ok(operations)
}

fn operation(action: &str, app_id: &str, topic: &str) -> anyhow::Result<Value> {
    let message = |kind: &&str| json!({ "$ref": format!("#/channels/{topic}/messages/{kind}") });
    Ok(json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{topic}") },
        "messages": types_of(topic)?.iter().map(message).collect::<Vec<_>>(),
        "tags": [{ "name": app_id }],
    }))
}

/// What every event has around its data: CloudEvents 1.0 with the distributed tracing extension.
fn envelope() -> Value {
    json!({
        "type": "object",
        "description": "CloudEvents 1.0 in JSON.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "format": "uuid", "description": "The same at every delivery." },
            "source": { "type": "string", "description": "The app-id of the service that tells." },
            "type": { "type": "string" },
            "subject": { "type": "string", "description": "What it is about; the partition key." },
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": { "const": "application/json" },
            "traceparent": { "type": "string", "description": "W3C trace context of the request that caused it." },
            "data": { "type": "object" },
        },
    })
}

/// A schema becomes a component, and so does each of its own definitions, under `<topic>.<name>`.
fn add_schema(schemas: &mut Map<String, Value>, topic: &str, schema: &Value) {
    let mut own = schema.clone();
    point_at_components(&mut own, topic);
    let fields = own.as_object_mut();
    let definitions = fields.and_then(|fields| {
        fields.remove("$schema");
        fields.remove("$defs")
    });
    for (name, definition) in definitions
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        schemas.insert(format!("{topic}.{name}"), definition.clone());
    }
    schemas.insert(topic.to_owned(), own);
}

fn point_at_components(schema: &mut Value, topic: &str) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
                    Some(to) if name == "$ref" => {
                        *value = json!(format!("#/components/schemas/{topic}.{to}"));
                    }
                    _ => point_at_components(value, topic),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_at_components(item, topic)),
        _ => {}
    }
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema[name].as_str().unwrap_or_default()
}
