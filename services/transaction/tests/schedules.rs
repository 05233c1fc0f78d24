//! Schedules: transfers that are made by themselves.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{call, request};
use transaction::schedules::pay_due;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, Raw, account_of};

fn schedule(first_at: DateTime<Utc>, every: &str) -> Value {
    json!({ "from_account_id": Uuid::from_u128(1), "to_account_id": Uuid::from_u128(2), "description": "Rent",
            "amount": { "amount_minor": 900, "currency": "EUR" }, "first_at": first_at, "every": every })
}

fn tomorrow() -> DateTime<Utc> {
    Utc::now() + TimeDelta::days(1)
}

/// The id of a new schedule of somebody whom Auth knows.
async fn made(app: &App, user: Uuid, body: &Value) -> Uuid {
    app.sidecar.knows(&user.to_string(), user);
    let made = app.ask(user, "/schedules", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

async fn show(app: &App, user: Uuid, id: Uuid) -> Value {
    app.get(&format!("/schedules/{id}"), user).await.json
}

async fn send(app: &App, method: &str, user: Uuid, id: Uuid, body: &Value) -> testkit::Answer {
    let token = app.issuer.user_token(user);
    let path = format!("/schedules/{id}");
    call(&app.router, request(method, &path, &token, body)).await
}

async fn pay(app: &App, now: DateTime<Utc>) -> usize {
    pay_due(&app.state, now).await.unwrap()
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[sqlx::test]
async fn each_date_is_paid_once_as_the_users_own_transfer(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let mut body = schedule(first, "day");
    body["count"] = json!(2);
    let id = made(&app, user, &body).await;
    assert_eq!(pay(&app, first - TimeDelta::seconds(1)).await, 0, "too early");
    assert_eq!(pay(&app, first).await, 1);
    assert_eq!(pay(&app, first).await, 0);
    assert_eq!(show(&app, user, id).await["state"], "active");
    let second = first + TimeDelta::days(1);
    assert_eq!(pay(&app, second).await, 1);
    assert_eq!(pay(&app, second + TimeDelta::days(1)).await, 0);

    let shown = show(&app, user, id).await;
    assert_eq!(
        (&shown["state"], &shown["next_at"]),
        (&json!("ended"), &Value::Null)
    );
    let runs = shown["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["number"]), (2, &json!(2)));
    let transaction = &runs[0]["transaction"];
    assert_eq!(
        (
            &transaction["state"],
            &transaction["description"],
            &transaction["from_user_id"]
        ),
        (&json!("completed"), &json!("Rent"), &json!(user))
    );
    let path = format!("/transactions/{}", transaction["id"].as_str().unwrap());
    assert_eq!(app.get(&path, PAYEE).await.json["state"], "completed");
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (2, 2));
}

#[sqlx::test]
async fn workers_that_race_pay_a_date_once(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    for _ in 0..10 {
        made(&app, user, &schedule(first, "week")).await;
    }
    let (a, b, c) = tokio::join!(pay(&app, first), pay(&app, first), pay(&app, first));
    assert_eq!(a + b + c, 10);
    assert_eq!((app.ledger.applied(), app.count("transactions").await), (10, 10));
}

#[sqlx::test]
async fn what_a_crash_leaves_pending_is_driven_on_once(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "once")).await;
    app.ledger.set(Mode::LoseAnswer);
    assert_eq!(pay(&app, first).await, 1);
    let shown = show(&app, user, id).await;
    assert_eq!(shown["runs"][0]["transaction"]["state"], "pending");
    app.ledger.set(Mode::Apply);
    assert_eq!((pay(&app, first).await, app.recover().await), (0, 1));
    let shown = show(&app, user, id).await;
    assert_eq!(shown["runs"][0]["transaction"]["state"], "completed");
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (1, 1));
}

#[sqlx::test]
async fn a_run_that_fails_is_seen_and_the_next_one_comes(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "day")).await;
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    pay(&app, first).await;
    app.ledger.set(Mode::Apply);
    pay(&app, first + TimeDelta::days(1)).await;
    let runs = show(&app, user, id).await["runs"].clone();
    assert_eq!(runs[1]["transaction"]["failure_code"], "insufficient_funds");
    assert_eq!(runs[0]["transaction"]["state"], "completed");
}

#[sqlx::test]
async fn who_is_disabled_does_not_pay_and_is_told_so_when_they_are_back(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, other, first) = (Uuid::now_v7(), Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "day")).await;
    made(&app, other, &schedule(first, "day")).await;
    app.sidecar.forgets(&user.to_string());
    assert_eq!((pay(&app, first).await, app.ledger.applied()), (2, 1));
    app.sidecar.knows(&user.to_string(), user);
    let next = first + TimeDelta::days(1);
    assert_eq!((pay(&app, next).await, app.ledger.applied()), (2, 3));
    let runs = show(&app, user, id).await["runs"].clone();
    assert_eq!(runs[1]["transaction"]["state"], "failed");
    assert_eq!(runs[1]["transaction"]["failure_code"], "payer_disabled");
    assert_eq!(runs[0]["transaction"]["state"], "completed");
    assert_eq!(app.count("outbox").await, 3);
}

#[sqlx::test]
async fn while_nobody_says_who_is_disabled_dates_wait(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "once")).await;
    app.sidecar.is_broken(true);
    assert_eq!(pay(&app, first).await, 0);
    assert_eq!(show(&app, user, id).await["state"], "active");
    app.sidecar.is_broken(false);
    assert_eq!((pay(&app, first).await, app.ledger.applied()), (1, 1));
}

#[sqlx::test]
async fn what_an_outage_missed_is_paid_once_for_its_last_date(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "day")).await;
    assert_eq!(pay(&app, first + TimeDelta::hours(80)).await, 1);
    let shown = show(&app, user, id).await;
    let runs = shown["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["number"]), (1, &json!(4)));
    assert_eq!(
        time(&shown["next_at"]) - time(&shown["first_at"]),
        TimeDelta::days(4)
    );
}

#[sqlx::test]
async fn the_last_day_of_a_month_stays_the_last(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let year = Utc::now().year() + 1;
    let first: DateTime<Utc> = format!("{year}-08-31T06:00:00Z").parse().unwrap();
    let id = made(&app, user, &schedule(first, "month")).await;
    for day in ["08-31", "09-30", "10-31", "11-30"] {
        let at: DateTime<Utc> = format!("{year}-{day}T06:00:00Z").parse().unwrap();
        assert_eq!(time(&show(&app, user, id).await["next_at"]), at);
        assert_eq!(pay(&app, at).await, 1);
    }
}

#[sqlx::test]
async fn a_pause_lets_dates_pass_and_a_cancelled_one_stays_so(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    let id = made(&app, user, &schedule(first, "day")).await;
    let set = async |state: &str| send(&app, "PATCH", user, id, &json!({ "state": state })).await;
    assert_eq!(set("paused").await.json["state"], "paused");
    assert_eq!(pay(&app, first).await, 0);
    // As if it had been paused for ten days: all of them are over.
    sqlx::query(
        "update schedules set first_at = now() - interval '10 days', next_at = now() - interval '10 days'",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    let active = set("active").await.json;
    assert_eq!(active["state"], "active");
    assert!(time(&active["next_at"]) > Utc::now());
    assert_eq!(pay(&app, Utc::now()).await, 0);
    assert_eq!(
        set("cancelled").await.code(),
        "invalid_request",
        "that is for DELETE"
    );

    for _ in 0..2 {
        assert_eq!(send(&app, "DELETE", user, id, &Value::Null).await.status, 204);
    }
    assert_eq!(show(&app, user, id).await["state"], "cancelled");
    assert_eq!(set("active").await.code(), "schedule_ended");
    assert_eq!(pay(&app, first + TimeDelta::days(40)).await, 0);
    assert_eq!(app.count("transactions").await, 0);
}

#[sqlx::test]
async fn one_that_is_cancelled_while_it_comes_due_is_paid_or_not_and_never_half(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    for _ in 0..10 {
        let id = made(&app, user, &schedule(first, "day")).await;
        let (begun, cancelled) = tokio::join!(pay(&app, first), send(&app, "DELETE", user, id, &Value::Null));
        assert_eq!(cancelled.status, 204);
        let shown = show(&app, user, id).await;
        assert_eq!(shown["runs"].as_array().unwrap().len(), begun);
        assert_eq!(shown["state"], "cancelled");
    }
}

#[sqlx::test]
async fn a_name_is_looked_up_when_the_schedule_is_made(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, first) = (Uuid::now_v7(), tomorrow());
    app.sidecar.knows("alice", user);
    app.sidecar.knows("bob", PAYEE);
    let mut body = schedule(first, "once");
    body.as_object_mut().unwrap().remove("to_account_id");
    body["to_username"] = json!("bob");
    let token = app.issuer.user_token(user);
    let ask = || app.send("/schedules", &token, Some("k"), &body);
    let answers: (Raw, Raw) = tokio::join!(ask(), ask());
    assert_eq!((answers.0.status, &answers.0), (201, &answers.1));
    assert_eq!(answers.0.json()["to_account_id"], json!(account_of(PAYEE)));
    app.sidecar.forgets("bob");
    assert_eq!(ask().await, answers.0);
    assert_eq!(app.ask(user, "/schedules", &body).await.code(), "payee_not_found");
    assert_eq!((pay(&app, first).await, app.ledger.applied()), (1, 1));
}

#[sqlx::test]
async fn a_user_has_a_hundred_at_most_that_have_not_ended(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, body) = (Uuid::now_v7(), schedule(tomorrow(), "once"));
    for _ in 0..99 {
        made(&app, user, &body).await;
    }
    let (a, b) = tokio::join!(
        app.ask(user, "/schedules", &body),
        app.ask(user, "/schedules", &body)
    );
    let mut answers = [(a.status, a.code()), (b.status, b.code())];
    answers.sort();
    assert_eq!(answers[1], (422, "too_many_schedules".to_owned()));
    assert_eq!(app.count("schedules").await, 100);
    let list = app.get("/schedules?limit=60", user).await.json;
    let next = list["next_cursor"].as_str().unwrap();
    let rest = app
        .get(&format!("/schedules?limit=60&cursor={next}"), user)
        .await
        .json;
    assert_eq!(
        (
            list["items"].as_array().unwrap().len(),
            rest["items"].as_array().unwrap().len()
        ),
        (60, 40)
    );
    let back = rest["previous_cursor"].as_str().unwrap();
    let first = app
        .get(&format!("/schedules?limit=60&cursor={back}"), user)
        .await
        .json;
    assert_eq!(first["items"], list["items"]);
    pay(&app, tomorrow() + TimeDelta::days(1)).await;
    made(&app, user, &body).await;
}

#[sqlx::test]
async fn bad_schedules_are_refused_and_nothing_is_recorded(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let with = |field: &str, value: Value| {
        let mut body = schedule(tomorrow(), "week");
        body[field] = value;
        body
    };
    let (past, far) = (
        Utc::now() - TimeDelta::seconds(1),
        Utc::now() + TimeDelta::days(4_000),
    );
    for (body, code) in [
        (with("first_at", json!(past)), "invalid_request"),
        (with("first_at", json!(far)), "invalid_request"),
        (with("first_at", json!("tomorrow")), "invalid_request"),
        (with("every", json!("year")), "invalid_request"),
        (with("count", json!(0)), "invalid_request"),
        (with("count", json!(10_001)), "invalid_request"),
        (with("ends_at", json!(past)), "invalid_request"),
        (
            with("amount", json!({ "amount_minor": -1, "currency": "EUR" })),
            "invalid_amount",
        ),
        (with("to_account_id", json!(Uuid::from_u128(1))), "same_account"),
        (with("to_account_id", Value::Null), "invalid_request"),
        (with("to_username", json!("bob")), "invalid_request"),
        (with("description", json!("a\u{0}b")), "invalid_request"),
    ] {
        let answer = app.ask(user, "/schedules", &body).await;
        assert_eq!(answer.code(), code, "{body}");
    }
    let mut twice = with("count", json!(2));
    twice["ends_at"] = json!(far);
    let mut once = with("count", json!(1));
    once["every"] = json!("once");
    for body in [twice, once] {
        assert_eq!(app.ask(user, "/schedules", &body).await.code(), "invalid_request");
    }
    assert_eq!(
        (app.count("schedules").await, app.count("idempotency_keys").await),
        (0, 0)
    );
}
