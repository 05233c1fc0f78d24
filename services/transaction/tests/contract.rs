//! The contract that is checked in is the one that the code has.

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    assert_eq!(
        transaction::openapi().unwrap().trim(),
        include_str!("../contract/openapi.json").trim(),
        "run `make contracts`"
    );
}

#[test]
fn the_checked_in_event_schemas_are_those_of_the_code() {
    for (topic, schema) in [
        (
            "TRANSACTION_MADE",
            include_str!("../contract/events/TRANSACTION_MADE.schema.json"),
        ),
        (
            "PAYMENT_REQUEST_CHANGED",
            include_str!("../contract/events/PAYMENT_REQUEST_CHANGED.schema.json"),
        ),
    ] {
        assert_eq!(
            transaction::events_schema(topic).unwrap().trim(),
            schema.trim(),
            "run `make contracts`"
        );
    }
}
