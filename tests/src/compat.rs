//! What today's contracts take back of those that were promised, in words. Nothing that only adds is told.
//!
//! Lists of words may grow everywhere: who reads one takes words that they do not know. They never shrink, since events of
//! earlier versions are still about.

mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::contracts::Service;
use schema::{Direction, Schema};

/// Every difference between two sets of contracts that breaks somebody, by app-id.
pub fn breaks(promised: &BTreeMap<String, Service>, today: &BTreeMap<String, Service>) -> Vec<String> {
    let mut found = Vec::new();
    for (app_id, old) in promised {
        let Some(new) = today.get(app_id) else {
            found.push(format!("{app_id}: the service is gone"));
            continue;
        };
        let routes = routes(&old.openapi, &new.openapi);
        found.extend(routes.into_iter().map(|it| format!("{app_id}: {it}")));
        for (topic, schema) in &old.events {
            match new.events.get(topic) {
                Some(now) => found.extend(event(topic, schema, now)),
                None => found.push(format!("{app_id}: publishes {topic} no longer")),
            }
        }
    }
    found
}

/// What an event's data took back.
pub fn event(topic: &str, old: &Value, new: &Value) -> Vec<String> {
    let found = Schema::new(old, old).breaks(Schema::new(new, new), Direction::Event, "");
    found.into_iter().map(|it| format!("{topic}: {it}")).collect()
}

/// What an OpenAPI document took back.
pub fn routes(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, methods) in fields(&old["paths"]) {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let name = format!("{} {path}", method.to_uppercase());
            match new["paths"].get(path).and_then(|methods| methods.get(method)) {
                Some(now) => {
                    let comparison = Comparison {
                        old: (old, operation),
                        new: (new, now),
                    };
                    found.extend(comparison.breaks().into_iter().map(|it| format!("{name} {it}")));
                }
                None => found.push(format!("{name} was removed")),
            }
        }
    }
    found
}

/// One operation, each side with the document that its references are in.
struct Comparison<'a> {
    old: (&'a Value, &'a Value),
    new: (&'a Value, &'a Value),
}

impl Comparison<'_> {
    fn breaks(&self) -> Vec<String> {
        let mut found = self.parameters();
        found.extend(self.request());
        found.extend(self.responses());
        found.extend(self.security());
        found
    }

    fn parameters(&self) -> Vec<String> {
        let mut found = Vec::new();
        let (old, new) = (parameters(self.old.1), parameters(self.new.1));
        for (key @ (name, _), parameter) in &old {
            let Some(now) = new.get(key) else {
                found.push(format!("lost the parameter `{name}`"));
                continue;
            };
            if required(now) && !required(parameter) {
                found.push(format!("requires the parameter `{name}`, which was optional"));
            }
            let schema = Schema::new(self.old.0, &parameter["schema"]);
            found.extend(schema.breaks(
                Schema::new(self.new.0, &now["schema"]),
                Direction::Parameter,
                name,
            ));
        }
        for (key @ (name, _), parameter) in &new {
            if required(parameter) && !old.contains_key(key) {
                found.push(format!("requires the parameter `{name}`, which is new"));
            }
        }
        found
    }

    fn request(&self) -> Vec<String> {
        let (old, new) = (&self.old.1["requestBody"], &self.new.1["requestBody"]);
        let mut found = Vec::new();
        if required(new) && !required(old) {
            found.push("requires a body, which it did not".to_owned());
        }
        for (media, content) in fields(&old["content"]) {
            match new["content"].get(media) {
                Some(now) => found.extend(self.content(content, now, Direction::Request)),
                None => found.push(format!("takes {media} no longer")),
            }
        }
        found
    }

    /// Only successes: a new error is a new `code`, and who does not know one goes by the status.
    fn responses(&self) -> Vec<String> {
        let (old, new) = (&self.old.1["responses"], &self.new.1["responses"]);
        let mut found = Vec::new();
        for (status, response) in fields(old).filter(|(status, _)| status.starts_with('2')) {
            let Some(now) = new.get(status) else {
                found.push(format!("answers {status} no longer"));
                continue;
            };
            for (media, content) in fields(&response["content"]) {
                match now["content"].get(media) {
                    Some(now) => found.extend(self.content(content, now, Direction::Response)),
                    None => found.push(format!("answers {status} in {media} no longer")),
                }
            }
        }
        found
    }

    fn content(&self, old: &Value, new: &Value, direction: Direction) -> Vec<String> {
        let old = Schema::new(self.old.0, &old["schema"]);
        old.breaks(Schema::new(self.new.0, &new["schema"]), direction, "")
    }

    /// Whoever was let in still is. An operation without `security` lets everybody in.
    fn security(&self) -> Vec<String> {
        let ways = |operation: &Value| operation["security"].as_array().cloned().unwrap_or_default();
        let (old, new) = (ways(self.old.1), ways(self.new.1));
        if new.is_empty() {
            return Vec::new();
        }
        if old.is_empty() {
            return vec!["asks for a credential, which it did not".to_owned()];
        }
        let lost = old.iter().filter(|way| !new.contains(way));
        lost.map(|way| format!("no longer lets {way} in")).collect()
    }
}

/// By name and place: `("limit", "query")`.
fn parameters(operation: &Value) -> BTreeMap<(&str, &str), &Value> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.map(|it| {
        let text = |name: &str| it[name].as_str().unwrap_or_default();
        ((text("name"), text("in")), it)
    })
    .collect()
}

fn required(value: &Value) -> bool {
    value["required"] == true
}

fn fields(value: &Value) -> serde_json::map::Iter<'_> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE).iter()
}
