use serde_json::{Value, json};

use super::{event, routes};

/// A document with one route, whose answer, request and parameters these are.
fn api(operation: Value) -> Value {
    json!({
        "paths": { "/things": { "post": operation } },
        "components": { "schemas": { "Thing": {
            "type": "object", "required": ["id"],
            "properties": { "id": { "type": "string", "format": "uuid" }, "fee": { "type": "integer" } },
        }}},
    })
}

fn answers(schema: Value) -> Value {
    api(json!({ "responses": { "200": { "content": { "application/json": { "schema": schema } } } } }))
}

fn takes(schema: Value) -> Value {
    api(
        json!({ "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } } }),
    )
}

fn with_parameter(parameter: Value) -> Value {
    api(json!({ "parameters": [parameter] }))
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "object", "properties": { "kind": { "type": "string", "enum": words } } })
}

#[test]
fn a_contract_keeps_itself() {
    let document = answers(json!({ "$ref": "#/components/schemas/Thing" }));
    assert!(routes(&document, &document).is_empty());
}

#[test]
fn a_route_that_is_gone_is_told() {
    let old = answers(json!({}));
    assert_eq!(
        routes(&old, &json!({ "paths": {} })),
        ["POST /things was removed"]
    );
    assert!(
        routes(&json!({ "paths": {} }), &old).is_empty(),
        "a new one is not"
    );
}

#[test]
fn a_field_that_an_answer_lost_is_told_by_its_path() {
    let page = json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } } } });
    let old = answers(page);
    let mut new = old.clone();
    new["components"]["schemas"]["Thing"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("fee");
    assert_eq!(
        routes(&old, &new),
        ["POST /things lost the response field `items[].fee`"]
    );
    assert!(routes(&new, &old).is_empty(), "a new one is not");
}

#[test]
fn a_field_of_an_answer_that_may_be_missing_is_told() {
    let old = answers(json!({ "$ref": "#/components/schemas/Thing" }));
    let mut new = old.clone();
    new["components"]["schemas"]["Thing"]["required"] = json!([]);
    assert_eq!(
        routes(&old, &new),
        ["POST /things the response field `id` may be missing now"]
    );
    assert!(routes(&new, &old).is_empty());
}

#[test]
fn a_required_field_of_a_request_is_told_and_an_optional_one_is_not() {
    let old = takes(json!({ "type": "object", "properties": { "a": { "type": "string" } } }));
    let optional = takes(
        json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "string" } } }),
    );
    assert!(routes(&old, &optional).is_empty());
    let required = takes(
        json!({ "type": "object", "required": ["a", "b"], "properties": { "a": { "type": "string" }, "b": { "type": "string" } } }),
    );
    assert_eq!(
        routes(&old, &required),
        [
            "POST /things the request field `a` is required, which was optional",
            "POST /things the required request field `b` is new"
        ]
    );
}

#[test]
fn a_body_that_is_newly_required_is_told() {
    assert_eq!(
        routes(&api(json!({})), &takes(json!({}))),
        ["POST /things requires a body, which it did not"]
    );
}

#[test]
fn parameters_that_are_lost_or_required_are_told() {
    let optional = with_parameter(
        json!({ "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 200 } }),
    );
    let required = with_parameter(
        json!({ "name": "limit", "in": "query", "required": true, "schema": { "type": "integer", "maximum": 100 } }),
    );
    assert_eq!(
        routes(&optional, &required),
        [
            "POST /things requires the parameter `limit`, which was optional",
            "POST /things takes less for the parameter `limit`: `maximum` is 100 now"
        ]
    );
    assert_eq!(
        routes(&optional, &api(json!({}))),
        ["POST /things lost the parameter `limit`"]
    );
    assert_eq!(
        routes(&api(json!({})), &required),
        ["POST /things requires the parameter `limit`, which is new"]
    );
    assert!(routes(&api(json!({})), &optional).is_empty());
}

#[test]
fn a_type_that_changed_is_told_in_the_direction_in_which_it_breaks() {
    let one = |kind: Value| json!({ "type": "object", "properties": { "a": { "type": kind } } });
    let (text, maybe) = (one(json!("string")), one(json!(["string", "null"])));
    let changed = |noun, from, to| {
        vec![format!(
            "POST /things changed the type of the {noun} `a` from {from} to {to}"
        )]
    };
    assert_eq!(
        routes(&answers(text.clone()), &answers(maybe.clone())),
        changed("response field", "string", "null or string")
    );
    assert!(routes(&answers(maybe.clone()), &answers(text.clone())).is_empty());
    assert_eq!(
        routes(&takes(maybe.clone()), &takes(text.clone())),
        changed("request field", "null or string", "string")
    );
    assert!(routes(&takes(text.clone()), &takes(maybe)).is_empty());
    assert_eq!(
        routes(&answers(text), &answers(one(json!("integer")))),
        changed("response field", "string", "integer")
    );
}

#[test]
fn a_word_that_a_list_lost_is_told_and_a_new_one_is_not() {
    let (more, less) = (words(&["transfer", "hold"]), words(&["transfer"]));
    assert_eq!(
        routes(&answers(more.clone()), &answers(less.clone())),
        ["POST /things lost the word \"hold\" of the response field `kind`"]
    );
    assert!(routes(&answers(less), &answers(more)).is_empty());
}

#[test]
fn words_are_the_same_however_they_are_written() {
    let each = json!({ "type": "object", "properties": { "kind": { "oneOf": [
        { "type": "string", "const": "transfer", "description": "From one to another." }, { "type": "string", "enum": ["hold"] },
    ] } } });
    assert!(routes(&answers(words(&["transfer", "hold"])), &answers(each)).is_empty());
}

#[test]
fn a_status_or_a_way_in_that_is_lost_is_told() {
    let old = api(json!({ "responses": { "200": {}, "404": {} }, "security": [{ "bearer": ["user"] }] }));
    let new = api(json!({ "responses": { "201": {} }, "security": [{ "bearer": ["operator"] }] }));
    assert_eq!(
        routes(&old, &new),
        [
            "POST /things answers 200 no longer",
            "POST /things no longer lets {\"bearer\":[\"user\"]} in"
        ]
    );
}

#[test]
fn a_variant_that_is_lost_is_told_and_a_new_one_is_not() {
    let variant = |name: &str| json!({ "type": "object", "required": [name], "properties": { name: { "type": "string" } } });
    let one_of = |names: &[&str]| {
        takes(json!({ "oneOf": names.iter().map(|name| variant(name)).collect::<Vec<_>>() }))
    };
    let (two, three) = (one_of(&["a", "b"]), one_of(&["a", "b", "c"]));
    assert!(routes(&two, &three).is_empty());
    assert_eq!(routes(&three, &two), ["POST /things lost a variant of the body"]);
}

#[test]
fn an_event_gains_optional_fields_only() {
    let old = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
    let mut new = old.clone();
    new["properties"]["x"] = json!({ "type": "string" });
    assert!(event("MADE", &old, &new).is_empty());
    new["required"] = json!(["id", "x"]);
    assert_eq!(event("MADE", &old, &new), ["MADE: the required field `x` is new"]);
    assert_eq!(event("MADE", &new, &old), ["MADE: lost the field `x`"]);
}

#[test]
fn a_schema_that_contains_itself_comes_to_an_end() {
    let list = json!({ "$ref": "#/$defs/Node", "$defs": { "Node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/Node" } } } } });
    assert!(event("MADE", &list, &list).is_empty());
}
