//! Contacts, and what is forgotten with a user.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::{App, PAYEE, transfer_of};

const USER: Uuid = Uuid::from_u128(77);

async fn app(pool: PgPool) -> App {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    app.sidecar.knows("carol", Uuid::from_u128(43));
    app.sidecar.knows("alice", USER);
    app
}

async fn send(app: &App, method: &str, path: &str, body: &Value) -> Answer {
    let token = app.issuer.user_token(USER);
    call(&app.router, request(method, path, &token, body)).await
}

async fn put(app: &App, body: Value) -> Answer {
    send(app, "POST", "/contacts", &body).await
}

fn pay_alias(alias: &str) -> Value {
    let mut body = transfer_of(5);
    body.as_object_mut().unwrap().remove("to_account_id");
    body["to_alias"] = json!(alias);
    body
}

#[sqlx::test]
async fn a_contact_is_noted_renamed_paid_by_alias_and_forgotten(pool: PgPool) {
    let app = app(pool).await;
    let noted = put(&app, json!({ "username": "Bob", "alias": "Landlord" })).await;
    assert_eq!(noted.status, 201, "{noted:?}");
    let noted = noted.json;
    assert_eq!(
        (&noted["username"], &noted["user_id"], &noted["last_paid_at"]),
        (&json!("bob"), &json!(PAYEE), &Value::Null)
    );
    assert_eq!(
        put(&app, json!({ "username": "bob" })).await.json,
        noted,
        "a repeat"
    );

    let paid = app.ask(USER, "/transactions", &pay_alias("LANDLORD")).await;
    assert_eq!((paid.status, &paid.json()["to_user_id"]), (201, &json!(PAYEE)));
    let list = app.get("/contacts", USER).await.json;
    assert_eq!(list["items"][0]["last_paid_at"], paid.json()["completed_at"]);

    let path = format!("/contacts/{}", noted["id"].as_str().unwrap());
    let renamed = send(&app, "PATCH", &path, &json!({ "alias": "Robert" })).await;
    assert_eq!(renamed.json["alias"], "Robert");
    let unpaid = app.ask(USER, "/transactions", &pay_alias("landlord")).await;
    assert_eq!(unpaid.code(), "payee_not_found");
    let stranger = app
        .ask(Uuid::now_v7(), "/transactions", &pay_alias("Robert"))
        .await;
    assert_eq!(
        stranger.code(),
        "payee_not_found",
        "an alias is good for who has given it"
    );
    let bare = send(&app, "PATCH", &path, &json!({ "alias": null })).await;
    assert_eq!((bare.status.as_u16(), &bare.json["alias"]), (200, &Value::Null));
    assert_eq!(send(&app, "DELETE", &path, &Value::Null).await.status, 204);
    for method in ["DELETE", "PATCH"] {
        let gone = send(&app, method, &path, &json!({ "alias": "Bobby" })).await;
        assert_eq!(gone.code(), "contact_not_found");
    }
}

#[sqlx::test]
async fn an_alias_names_one_contact_in_any_case(pool: PgPool) {
    let app = app(pool).await;
    put(&app, json!({ "username": "bob", "alias": "friend" })).await;
    let taken = put(&app, json!({ "username": "carol", "alias": "Friend" })).await;
    assert_eq!((taken.status.as_u16(), taken.code()), (409, "alias_taken"));
    assert_eq!(app.count("contacts").await, 1);
    let carol = put(&app, json!({ "username": "carol" })).await.json;
    let path = format!("/contacts/{}", carol["id"].as_str().unwrap());
    let taken = send(&app, "PATCH", &path, &json!({ "alias": "FRIEND" })).await;
    assert_eq!(taken.code(), "alias_taken");
}

#[sqlx::test]
async fn bad_contacts_are_refused(pool: PgPool) {
    let app = app(pool).await;
    for (body, code) in [
        (json!({ "username": "nobody" }), "payee_not_found"),
        (json!({ "username": "alice" }), "invalid_request"),
        (json!({ "username": "" }), "invalid_request"),
        (json!({ "alias": "friend" }), "invalid_request"),
        (json!({ "username": "bob", "alias": "" }), "invalid_request"),
        (json!({ "username": "bob", "alias": " b" }), "invalid_request"),
        (
            json!({ "username": "bob", "alias": "a\u{0}b" }),
            "invalid_request",
        ),
        (
            json!({ "username": "bob", "alias": "x".repeat(65) }),
            "invalid_request",
        ),
    ] {
        assert_eq!(put(&app, body.clone()).await.code(), code, "{body}");
    }
    let contact = put(&app, json!({ "username": "bob" })).await.json;
    let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    assert_eq!(
        send(&app, "PATCH", &path, &json!({})).await.code(),
        "invalid_request"
    );
}

#[sqlx::test]
async fn a_user_has_five_hundred_at_most(pool: PgPool) {
    let app = app(pool).await;
    sqlx::query(
        "insert into contacts (id, owner_user_id, user_id, created_at)
         select gen_random_uuid(), $1, gen_random_uuid(), now() from generate_series(1, 499)",
    )
    .bind(USER)
    .execute(&app.pool)
    .await
    .unwrap();
    let (bob, carol) = tokio::join!(
        put(&app, json!({ "username": "bob" })),
        put(&app, json!({ "username": "carol" }))
    );
    let mut codes = [(bob.status, bob.code()), (carol.status, carol.code())];
    codes.sort_unstable();
    assert_eq!(codes.map(|(status, _)| status.as_u16()), [201, 422]);
    assert_eq!(codes[1].1, "too_many_contacts");
    // Whoever is paid beyond that is paid, and not noted.
    for name in ["bob", "carol"] {
        let mut body = transfer_of(5);
        body.as_object_mut().unwrap().remove("to_account_id");
        body["to_username"] = json!(name);
        assert_eq!(app.ask(USER, "/transactions", &body).await.status, 201);
    }
    assert_eq!(app.count("contacts").await, 500);
}

#[sqlx::test]
async fn the_list_is_paged(pool: PgPool) {
    let app = app(pool).await;
    for name in ["bob", "carol"] {
        put(&app, json!({ "username": name })).await;
    }
    let page = app.get("/contacts?limit=1", USER).await.json;
    assert_eq!(page["items"][0]["username"], "carol");
    let next = page["next_cursor"].as_str().unwrap();
    let page = app
        .get(&format!("/contacts?limit=1&cursor={next}"), USER)
        .await
        .json;
    assert_eq!(
        (&page["items"][0]["username"], &page["next_cursor"]),
        (&json!("bob"), &Value::Null)
    );
    let back = page["previous_cursor"].as_str().unwrap();
    let page = app
        .get(&format!("/contacts?limit=1&cursor={back}"), USER)
        .await
        .json;
    assert_eq!(
        (&page["items"][0]["username"], &page["previous_cursor"]),
        (&json!("carol"), &Value::Null)
    );
}

#[sqlx::test]
async fn with_a_user_go_their_name_and_what_was_still_to_come(pool: PgPool) {
    let app = app(pool).await;
    put(&app, json!({ "username": "bob" })).await;
    let paid = app.transfer(PAYEE, "k", &transfer_of(5)).await;
    let asking = |name| json!({ "payer_username": name, "amount": { "amount_minor": 5, "currency": "EUR" } });
    let mut requests = Vec::new();
    for (user, name) in [(USER, "bob"), (PAYEE, "alice")] {
        requests.push(app.ask(user, "/payment-requests", &asking(name)).await.json());
    }
    let mut scheduling = transfer_of(5);
    scheduling["first_at"] = json!(Utc::now() + TimeDelta::days(1));
    scheduling["every"] = json!("day");
    let schedule = app.ask(PAYEE, "/schedules", &scheduling).await.json();

    let gateway = app.issuer.service_token("gateway", "transaction", "erase");
    for _ in 0..2 {
        let erase = request("POST", "/internal/erase", &gateway, &json!({ "user_id": PAYEE }));
        assert_eq!(call(&app.router, erase).await.status, 204);
    }
    assert_eq!(app.get("/contacts", USER).await.json["items"], json!([]));
    let names: Vec<String> = sqlx::query_scalar("select username from people")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert_eq!(names, ["alice"]);
    let ends = requests.iter().zip(["declined", "cancelled"]);
    for (request, state) in ends {
        let path = format!("/payment-requests/{}", request["id"].as_str().unwrap());
        assert_eq!(app.get(&path, USER).await.json["state"], state);
        let told: Vec<String> = sqlx::query_scalar(
            "select data->>'state' from outbox where topic = 'PAYMENT_REQUEST_CHANGED' and data->'payment_request_id' = $1
             order by seq",
        )
        .bind(&request["id"])
        .fetch_all(&app.pool)
        .await
        .unwrap();
        assert_eq!(told, ["open", state]);
    }
    let path = format!("/schedules/{}", schedule["id"].as_str().unwrap());
    assert_eq!(app.get(&path, PAYEE).await.json["state"], "cancelled");
    let path = format!("/transactions/{}", paid.json()["id"].as_str().unwrap());
    assert_eq!(app.get(&path, PAYEE).await.status, 200);
}
