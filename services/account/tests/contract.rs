//! The contract that is checked in is the one that the code has.

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    assert_eq!(
        account::openapi().unwrap().trim(),
        include_str!("../contract/openapi.json").trim(),
        "run `make contracts`"
    );
}
