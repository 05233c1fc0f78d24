//! The public contract: the gateway's own routes, and those that it forwards as their services describe them.

use axum::Json;
use problem::Result;
use serde_json::{Map, Value};

use crate::forward::FORWARDED;

/// The contracts that are forwarded, as they are checked in.
const CONTRACTS: [(&str, &str); 4] = [
    ("account", include_str!("../../account/contract/openapi.json")),
    ("activity", include_str!("../../activity/contract/openapi.json")),
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
        let own_names = contract.replace(
            "#/components/schemas/",
            &format!("#/components/schemas/{service}."),
        );
        let contract: Value = serde_json::from_str(&own_names)?;
        for route in FORWARDED.iter().filter(|route| route.service == service) {
            add(&mut document["paths"], route.path, &contract["paths"][route.path]);
        }
        for (name, schema) in contract["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
        {
            add(
                &mut document["components"]["schemas"],
                &format!("{service}.{name}"),
                schema,
            );
        }
    }
    Ok(document)
}

fn add(object: &mut Value, key: &str, value: &Value) {
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    object[key] = value.clone();
}
