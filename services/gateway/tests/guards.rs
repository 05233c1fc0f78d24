//! Tokens of clients that hold their own: what must never pass the gateway, before a service is asked.

use testkit::forgeries::{Target, assert_none_passes};
use testkit::{Issuer, user_claims};

use crate::support::Gateway;

#[tokio::test]
async fn no_forged_token_passes() {
    let gateway = Gateway::start().await;
    assert_none_passes(&Target {
        router: &gateway.router,
        issuer: &Issuer::new(),
        method: "GET",
        path: "/accounts",
        claims: user_claims(gateway.user_id),
    })
    .await;
}
