//! Rotation of signing keys, with a real PostgreSQL.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use serde_json::Value;
use sqlx::PgPool;
use testkit::{Answer, call, request};
use token_provider::domain::keys::KeyAlgorithm::{Es256, Rs256};
use token_provider::domain::rotation::Schedule;
use uuid::Uuid;

use crate::support::{Provider, SCHEDULE, days_go_by, new_key};

impl Provider {
    fn admin_token(&self) -> String {
        let claims = identity::Claims {
            roles: vec!["admin".to_owned()],
            ..testkit::user_claims(Uuid::now_v7())
        };
        self.keys.sign("at+jwt", &claims).unwrap()
    }

    async fn admin(&self, method: &str, path: &str) -> Answer {
        call(
            &self.router,
            request(method, path, &self.admin_token(), &Value::Null),
        )
        .await
    }

    /// The key ids of the key set, and the one that signs.
    async fn key_set(&self) -> (Vec<String>, String) {
        let set = call(
            &self.router,
            request("GET", "/.well-known/jwks.json", "", &Value::Null),
        )
        .await;
        let kids = set.json["keys"].as_array().unwrap().iter();
        let mut kids: Vec<_> = kids.map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
        kids.sort();
        let token = self.keys.sign("at+jwt", &Value::Null).unwrap();
        (kids, jsonwebtoken::decode_header(&token).unwrap().kid.unwrap())
    }
}

#[sqlx::test]
async fn a_key_is_published_then_signs_and_the_old_one_goes_when_its_tokens_have_ended(pool: PgPool) {
    let old = new_key(Rs256);
    let provider = Provider::with_keys(pool.clone(), SCHEDULE, &old).await;
    let old_kid = old.keys().next().unwrap();
    let old_token = provider.admin_token();
    assert_eq!(
        provider.admin("POST", "/admin/signing-keys/rotate").await.code(),
        "no_standby_key"
    );

    let mut both = old.clone();
    both.extend(new_key(Rs256));
    provider.keys.refresh(&both).await.unwrap();
    let (kids, signer) = provider.key_set().await;
    assert_eq!(
        (kids.len(), &signer),
        (2, old_kid),
        "published, and not yet signing"
    );

    let asked = provider.admin("POST", "/admin/signing-keys/rotate").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let from: chrono::DateTime<Utc> = asked.json["signs_from"].as_str().unwrap().parse().unwrap();
    assert!(
        from > Utc::now() + Duration::minutes(9),
        "everybody has to see it first: {from}"
    );
    provider.keys.refresh(&both).await.unwrap();
    assert_eq!(&provider.key_set().await.1, old_kid);

    days_go_by(&pool, 1).await;
    provider.keys.refresh(&both).await.unwrap();
    let (kids, signer) = provider.key_set().await;
    assert_eq!(kids.len(), 2);
    assert_eq!(&signer, asked.json["kid"].as_str().unwrap());
    let listed = call(
        &provider.router,
        request("GET", "/admin/signing-keys", &old_token, &Value::Null),
    )
    .await;
    assert_eq!(
        listed.status,
        StatusCode::OK,
        "a token of the old key is as good as before"
    );
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2);

    days_go_by(&pool, 8).await;
    provider.keys.refresh(&both).await.unwrap();
    assert_eq!(provider.key_set().await.0, [signer]);
    let refused = call(
        &provider.router,
        request("GET", "/admin/signing-keys", &old_token, &Value::Null),
    )
    .await;
    assert_eq!(refused.code(), "invalid_token");
}

#[sqlx::test]
async fn the_schedule_rotates_and_two_replicas_sign_with_one_key(pool: PgPool) {
    let mut keys = new_key(Rs256);
    let provider = Provider::with_keys(pool.clone(), SCHEDULE, &keys).await;
    let first = provider.key_set().await.1;
    keys.extend(new_key(Rs256));
    let replica = Provider::with_keys(pool.clone(), SCHEDULE, &keys).await;
    days_go_by(&pool, 91).await;
    for _ in 0..2 {
        provider.keys.refresh(&keys).await.unwrap();
        replica.keys.refresh(&keys).await.unwrap();
    }
    let (signer, other) = (provider.key_set().await.1, replica.key_set().await.1);
    assert_ne!(signer, first);
    assert_eq!(signer, other);
}

#[sqlx::test]
async fn another_algorithm_follows_by_configuration_and_both_are_good_during_the_change(pool: PgPool) {
    let mut keys = new_key(Rs256);
    let rsa = Provider::with_keys(pool.clone(), SCHEDULE, &keys).await;
    let rsa_token = rsa.admin_token();
    keys.extend(new_key(Es256));
    let schedule = Schedule {
        algorithm: Es256,
        ..SCHEDULE
    };
    Provider::with_keys(pool.clone(), schedule, &keys).await;
    days_go_by(&pool, 1).await;
    let provider = Provider::with_keys(pool, schedule, &keys).await;
    let ec_token = provider.admin_token();
    assert_eq!(
        jsonwebtoken::decode_header(&ec_token).unwrap().alg,
        jsonwebtoken::Algorithm::ES256
    );
    for token in [rsa_token, ec_token] {
        let listed = call(
            &provider.router,
            request("GET", "/admin/signing-keys", &token, &Value::Null),
        )
        .await;
        assert_eq!(listed.status, StatusCode::OK, "{listed:?}");
    }
}

#[sqlx::test]
async fn a_key_that_is_taken_out_of_the_store_is_accepted_no_more(pool: PgPool) {
    let stolen = new_key(Rs256);
    let provider = Provider::with_keys(pool, SCHEDULE, &stolen).await;
    let token = provider.admin_token();
    provider.keys.refresh(&new_key(Rs256)).await.unwrap();
    let refused = call(
        &provider.router,
        request("GET", "/admin/signing-keys", &token, &Value::Null),
    )
    .await;
    assert_eq!(refused.code(), "invalid_token");
    assert_eq!(
        provider.admin("GET", "/admin/signing-keys").await.status,
        StatusCode::OK
    );
}
