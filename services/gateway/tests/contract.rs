//! The contract that is checked in is the one that the code has, and promises exactly what the outside can reach.

use serde_json::Value;

use crate::support::Gateway;

const CHECKED_IN: &str = include_str!("../contract/openapi.json");

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    assert_eq!(
        gateway::openapi::document().unwrap().trim(),
        CHECKED_IN.trim(),
        "run `make contracts`"
    );
}

#[tokio::test]
async fn every_promised_route_is_there() {
    let gateway = Gateway::start().await;
    let contract: Value = serde_json::from_str(CHECKED_IN).unwrap();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            assert!(
                operation["responses"].is_object(),
                "{method} {path} is not described"
            );
            let answer = gateway
                .send(
                    &method,
                    "",
                    &path.replace("{id}", &gateway.user_id.to_string()),
                    &[],
                    "",
                )
                .await;
            assert!(
                !["not_found", "method_not_allowed"].contains(&answer.code()),
                "{method} {path}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_contract_is_served_and_tells_nothing_of_internal_routes() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("", "/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json, serde_json::from_str::<Value>(CHECKED_IN).unwrap());
    let schemas = answer.json["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(
            !name.contains("Posting") && !name.contains("ProvisionRequest"),
            "{name}"
        );
    }
    let paths = answer.json["paths"].as_object().unwrap();
    assert!(
        paths
            .keys()
            .all(|path| !path.contains("internal") && !path.contains("events"))
    );
}
