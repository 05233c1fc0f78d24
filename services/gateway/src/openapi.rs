//! The public contract: the gateway's own routes, and those that it forwards as their services describe them.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use problem::Result;
use serde_json::{Value, json};

use crate::domain::session::COOKIE;
use crate::forward::{Access, FORWARDED, Forwarded};

const SCHEMAS: &str = "#/components/schemas/";

/// The contracts that are forwarded, as they are checked in.
const CONTRACTS: [(&str, &str); 7] = [
    ("account", include_str!("../../account/contract/openapi.json")),
    ("activity", include_str!("../../activity/contract/openapi.json")),
    ("auth", include_str!("../../auth/contract/openapi.json")),
    ("email", include_str!("../../email/contract/openapi.json")),
    (
        "token-provider",
        include_str!("../../token-provider/contract/openapi.json"),
    ),
    (
        "transaction",
        include_str!("../../transaction/contract/openapi.json"),
    ),
    ("user", include_str!("../../user/contract/openapi.json")),
];

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn document() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&merged()?)
}

pub async fn show() -> Result<Json<Value>> {
    Ok(Json(merged()?))
}

fn merged() -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(crate::own_routes().split_for_parts().1)?;
    for (service, contract) in CONTRACTS {
        // Two services may have schemas of one name.
        let own_names = contract.replace(SCHEMAS, &format!("{SCHEMAS}{service}."));
        let contract: Value = serde_json::from_str(&own_names)?;
        for route in FORWARDED.iter().filter(|route| route.service == service) {
            let method = route.method_name();
            let mut operation = contract["paths"][route.path][method].clone();
            if matches!(route.access, Access::Caller | Access::Stream) {
                operation["security"] = json!([{ "session": [] }, { "bearer": [] }]);
                if method != "get" {
                    push(&mut operation["parameters"], csrf_header());
                }
            } else {
                operation["security"] = json!([]);
            }
            document["paths"][route.path][method] = operation;
        }
        let schemas = &contract["components"]["schemas"];
        let used = used_schemas(&document["paths"], schemas, service);
        for name in used {
            document["components"]["schemas"][format!("{service}.{name}")] = schemas[&name].clone();
        }
    }
    tell_apart(&mut document["paths"]);
    document["components"]["securitySchemes"]["session"] =
        json!({ "type": "apiKey", "in": "cookie", "name": COOKIE });
    document["components"]["securitySchemes"]["bearer"] =
        json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
    Ok(document)
}

/// An `operationId` is unique in a document (OpenAPI 3.1 §4.8.10): where services share one, each gets its service's name before it.
fn tell_apart(paths: &mut Value) {
    let mut uses: HashMap<String, u32> = HashMap::new();
    for route in &FORWARDED {
        *uses.entry(operation_id(paths, route)).or_default() += 1;
    }
    for route in &FORWARDED {
        let id = operation_id(paths, route);
        if uses.get(&id).is_some_and(|uses| *uses > 1) {
            let service = route.service.replace('-', "_");
            paths[route.path][route.method_name()]["operationId"] = format!("{service}_{id}").into();
        }
    }
}

fn operation_id(paths: &Value, route: &Forwarded) -> String {
    let id = &paths[route.path][route.method_name()]["operationId"];
    id.as_str().unwrap_or_default().to_owned()
}

/// The schemas of a service that forwarded routes name, and those that these name: its internal ones stay inside.
fn used_schemas(paths: &Value, schemas: &Value, service: &str) -> BTreeSet<String> {
    let prefix = format!("{SCHEMAS}{service}.");
    let mut used = BTreeSet::new();
    let mut unread = vec![paths];
    while let Some(value) = unread.pop() {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix(&prefix)
                    && used.insert(name.to_owned())
                {
                    unread.push(&schemas[name]);
                }
            }
            Value::Array(items) => unread.extend(items),
            Value::Object(members) => unread.extend(members.values()),
            _ => {}
        }
    }
    used
}

fn csrf_header() -> Value {
    json!({ "in": "header", "name": "X-PayMe-CSRF", "required": false,
        "description": "Always `1`, with the session cookie: no other site can send it.",
        "schema": { "type": "string", "enum": ["1"] } })
}

fn push(array: &mut Value, item: Value) {
    match array {
        Value::Array(items) => items.push(item),
        other => *other = Value::Array(vec![item]),
    }
}
