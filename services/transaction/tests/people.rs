//! Paying people by name.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, transfer_of};

fn to(field: &str, name: &str) -> Value {
    let mut body = transfer_of(5);
    body.as_object_mut().unwrap().remove("to_account_id");
    body[field] = json!(name);
    body
}

#[sqlx::test]
async fn a_transfer_and_a_hold_go_to_the_account_of_whoever_has_the_name(pool: PgPool) {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    let user = Uuid::now_v7();
    for path in ["/transactions", "/holds"] {
        let made = app.ask(user, path, &to("to_username", " Bob ")).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(
            made.json()["to_account_id"],
            json!(crate::support::account_of(PAYEE))
        );
        assert_eq!(made.json()["to_user_id"], json!(PAYEE));
    }
}

#[sqlx::test]
async fn a_repeat_gets_the_first_answer_though_the_name_is_gone(pool: PgPool) {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    let (user, body) = (Uuid::now_v7(), to("to_username", "bob"));
    let made = app.transfer(user, "k", &body).await;
    assert_eq!(made.status, 201);
    app.sidecar.forgets("bob");
    assert_eq!(app.transfer(user, "k", &body).await, made);
    assert_eq!(
        app.transfer(user, "k", &to("to_username", "alice")).await.code(),
        "idempotency_key_reused"
    );
    assert_eq!(app.transfer(user, "k2", &body).await.code(), "payee_not_found");
    assert_eq!(app.ledger.applied(), 1);
}

#[sqlx::test]
async fn who_can_not_be_found_is_not_paid_and_nothing_is_recorded(pool: PgPool) {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    app.sidecar.has_no_account(PAYEE);
    let user = Uuid::now_v7();
    for (body, status, code) in [
        (to("to_username", "bob"), 404, "payee_not_found"),
        (to("to_username", "nobody"), 404, "payee_not_found"),
        (to("to_alias", "landlord"), 404, "payee_not_found"),
        (to("to_username", ""), 422, "invalid_request"),
        (to("to_alias", &"x".repeat(65)), 422, "invalid_request"),
        (to("to_user", "bob"), 422, "invalid_request"),
    ] {
        for path in ["/transactions", "/holds"] {
            let answer = app.ask(user, path, &body).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
        }
    }
    let mut both = transfer_of(5);
    both["to_username"] = json!("bob");
    assert_eq!(app.transfer(user, "k", &both).await.code(), "invalid_request");
    let mut none = transfer_of(5);
    none.as_object_mut().unwrap().remove("to_account_id");
    assert_eq!(app.transfer(user, "k", &none).await.code(), "invalid_request");
    app.sidecar.is_broken(true);
    let answer = app.transfer(user, "k", &to("to_username", "bob")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "payee_unavailable")
    );
    assert_eq!(app.count("idempotency_keys").await, 0);
}

#[sqlx::test]
async fn who_was_paid_by_name_is_a_contact_from_then_on(pool: PgPool) {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    let user = Uuid::now_v7();
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    app.ask(user, "/transactions", &to("to_username", "bob")).await;
    assert_eq!(app.count("contacts").await, 0, "nothing was paid");
    app.ledger.set(Mode::Apply);
    app.transfer(user, "k", &transfer_of(5)).await;
    assert_eq!(app.count("contacts").await, 0, "an account is no name");

    let paid = app.ask(user, "/transactions", &to("to_username", "bob")).await;
    // What recovery drives on is noted as well.
    app.ledger.set(Mode::LoseAnswer);
    app.ask(user, "/transactions", &to("to_username", "bob")).await;
    app.ledger.set(Mode::Apply);
    assert_eq!(app.recover().await, 1);
    let (person, at): (Uuid, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select user_id, last_paid_at from contacts where owner_user_id = $1")
            .bind(user)
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert_eq!(person, PAYEE);
    let first: chrono::DateTime<chrono::Utc> = paid.json()["completed_at"].as_str().unwrap().parse().unwrap();
    assert!(at > first);
}

#[sqlx::test]
async fn many_payments_to_one_person_at_once_make_one_contact(pool: PgPool) {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    let user = Uuid::now_v7();
    let body = to("to_username", "bob");
    let (a, b, c, d) = tokio::join!(
        app.ask(user, "/transactions", &body),
        app.ask(user, "/transactions", &body),
        app.ask(user, "/transactions", &body),
        app.ask(user, "/transactions", &body),
    );
    assert!([a, b, c, d].iter().all(|answer| answer.status == 201));
    assert_eq!((app.count("contacts").await, app.ledger.applied()), (1, 4));
}
