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
fn the_checked_in_event_schema_is_that_of_the_code() {
    let schema = include_str!("../contract/events/TRANSACTION_MADE.schema.json");
    assert_eq!(
        transaction::events_schema().unwrap().trim(),
        schema.trim(),
        "run `make contracts`"
    );
}
