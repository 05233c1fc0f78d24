//! Events that have no effect: put aside, tried again, shown to operators. The crate `inbox` does it for all consumers.

use axum::Router;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, deliver, deliver_all, request};
use uuid::Uuid;

use crate::support::{app, state, user_registered};

const PATH: &str = "/events/user-registered";
const TOKEN: &str = "from-the-sidecar";
const LETTERS: &str = "/admin/user/dead-letters";

async fn as_operator(router: &Router, method: &str, path: &str) -> Answer {
    let token = Issuer::new().token_with_roles(Uuid::now_v7(), &["user", "operator"]);
    call(router, request(method, path, &token, &Value::Null)).await
}

async fn letters(router: &Router) -> Vec<Value> {
    let answer = as_operator(router, "GET", LETTERS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["items"].as_array().unwrap().clone()
}

async fn profiles(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM profiles")
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn execute(pool: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(pool).await.unwrap();
}

#[sqlx::test]
async fn one_bad_event_of_many_is_put_aside_and_the_others_go_on(pool: PgPool) {
    let router = app(pool.clone());
    let mut events: Vec<Value> = (0..5).map(|_| user_registered(Uuid::now_v7())).collect();
    events.push(events[0].clone());
    events[3]["type"] = json!("payme.user.registered.v9");
    let answer = deliver_all(&router, PATH, TOKEN, &events).await;
    let statuses = answer.json["statuses"].as_array().unwrap();
    assert_eq!(statuses.len(), 6);
    assert!(
        statuses.iter().all(|status| status["status"] == "SUCCESS"),
        "{answer:?}"
    );
    assert_eq!(profiles(&pool).await, 4, "one is unknown and one came twice");
    let found = letters(&router).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["event_id"], events[3]["id"]);
    assert_eq!(found[0]["reason"], "unknown kind: payme.user.registered.v9");
    assert_eq!(
        found[0]["next_attempt_at"],
        Value::Null,
        "no attempt would mend it"
    );

    // Again, as after a lost answer.
    deliver_all(&router, PATH, TOKEN, &events).await;
    assert_eq!((profiles(&pool).await, letters(&router).await.len()), (4, 1));

    let one = format!("{LETTERS}/{}", found[0]["id"].as_str().unwrap());
    assert_eq!(as_operator(&router, "GET", &one).await.json["payload"], events[3]);
    assert_eq!(as_operator(&router, "DELETE", &one).await.status, 204);
    assert_eq!(
        as_operator(&router, "DELETE", &one).await.code(),
        "dead_letter_not_found"
    );
    assert_eq!(
        as_operator(&router, "GET", &one).await.code(),
        "dead_letter_not_found"
    );
    assert_eq!(letters(&router).await, [] as [Value; 0]);
}

#[sqlx::test]
async fn what_fails_for_a_while_takes_effect_later_and_once(pool: PgPool) {
    let app_state = state(pool.clone());
    let router = app(pool.clone());
    let event = user_registered(Uuid::now_v7());
    execute(&pool, "ALTER TABLE profiles RENAME TO hidden").await;
    for _ in 0..2 {
        let answer = deliver(&router, PATH, TOKEN, &event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
    }
    execute(&pool, "UPDATE dead_letters SET next_attempt_at = now()").await;
    app_state.inbox().retry().await.unwrap();
    let found = letters(&router).await;
    assert_eq!((found.len(), &found[0]["attempts"]), (1, &json!(2)), "{found:?}");
    assert_ne!(found[0]["next_attempt_at"], Value::Null);

    execute(&pool, "ALTER TABLE hidden RENAME TO profiles").await;
    app_state.inbox().retry().await.unwrap();
    assert_eq!(profiles(&pool).await, 0, "it is not due yet");
    let replayed = as_operator(&router, "POST", &format!("{LETTERS}/replay?state=waiting")).await;
    assert_eq!(
        (replayed.status.as_u16(), &replayed.json["replayed"]),
        (202, &json!(1))
    );
    app_state.inbox().retry().await.unwrap();
    deliver(&router, PATH, TOKEN, &event).await;
    assert_eq!((profiles(&pool).await, letters(&router).await.len()), (1, 0));
}

#[sqlx::test]
async fn an_event_that_always_fails_waits_for_an_operator_in_the_end(pool: PgPool) {
    let (app_state, router) = (state(pool.clone()), app(pool.clone()));
    execute(&pool, "ALTER TABLE profiles RENAME TO hidden").await;
    deliver(&router, PATH, TOKEN, &user_registered(Uuid::now_v7())).await;
    for _ in 0..20 {
        execute(
            &pool,
            "UPDATE dead_letters SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL",
        )
        .await;
        app_state.inbox().retry().await.unwrap();
    }
    let found = letters(&router).await;
    assert_eq!(found[0]["attempts"], 12);
    assert_eq!(found[0]["next_attempt_at"], Value::Null);
    let dead = as_operator(
        &router,
        "GET",
        &format!("{LETTERS}?state=dead&topic=USER_REGISTERED"),
    )
    .await;
    assert_eq!(dead.json["items"].as_array().unwrap().len(), 1);
    let one = format!("{LETTERS}/{}/replay", found[0]["id"].as_str().unwrap());
    assert_eq!(as_operator(&router, "POST", &one).await.status, 202);
    assert_eq!(
        as_operator(&router, "POST", &format!("{LETTERS}/{}/replay", Uuid::now_v7()))
            .await
            .code(),
        "dead_letter_not_found"
    );
}

#[sqlx::test]
async fn what_the_sidecar_could_not_deliver_is_kept_whatever_it_is(pool: PgPool) {
    let (app_state, router) = (state(pool.clone()), app(pool.clone()));
    let event = user_registered(Uuid::now_v7());
    let raw = [
        json!(BASE64_STANDARD.encode(event.to_string())),
        json!(BASE64_STANDARD.encode([0xFF, 0x00, 0x7B])),
    ];
    let path = format!("{PATH}/dead-letters");
    assert_eq!(
        deliver_all(&router, &path, "guessed", &raw).await.code(),
        "not_from_sidecar"
    );
    deliver_all(&router, &path, TOKEN, &raw).await;
    execute(&pool, "UPDATE dead_letters SET next_attempt_at = now()").await;
    app_state.inbox().retry().await.unwrap();
    assert_eq!(
        profiles(&pool).await,
        1,
        "that we were down is no reason to lose it"
    );
    let found = letters(&router).await;
    assert_eq!(found.len(), 1);
    let one = format!("{LETTERS}/{}", found[0]["id"].as_str().unwrap());
    assert_eq!(as_operator(&router, "GET", &one).await.json["payload"], "/wB7");
}

#[sqlx::test]
async fn while_the_database_is_down_the_sidecar_keeps_the_events(pool: PgPool) {
    let router = app(pool.clone());
    pool.close().await;
    let answer = deliver(&router, PATH, TOKEN, &user_registered(Uuid::now_v7())).await;
    assert!(answer.status.is_server_error(), "{answer:?}");
}
