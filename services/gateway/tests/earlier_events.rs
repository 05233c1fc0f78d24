//! Events of earlier versions are understood as on the day that they were made.

use serde_json::Value;
use testkit::{Issuer, user_claims};

use crate::support::{Gateway, deliver_earlier, earlier_events};

#[tokio::test]
async fn every_end_of_a_session_keeps_its_token_out() {
    let gateway = Gateway::start().await;
    for event in earlier_events("SESSION_REVOKED") {
        let mut claims = user_claims(gateway.user_id);
        claims.sid = Some(event["data"]["session_id"].as_str().unwrap().parse().unwrap());
        let token = Issuer::new().sign(&claims);
        let get = async || gateway.native("GET", &token, "/accounts", &Value::Null).await;
        assert_eq!(get().await.status, 200, "{event}");
        deliver_earlier(&gateway.router, "/events/session-revoked", &event).await;
        assert_eq!(get().await.code(), "session_ended", "{event}");
    }
}
