//! Payment requests: asking, paying, declining, cancelling, and what races.

use serde_json::{Value, json};
use sqlx::PgPool;
use transaction::expiry::expire_payment_requests;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, account_of};

const PAYER: Uuid = Uuid::from_u128(77);

async fn app(pool: PgPool) -> App {
    let app = App::new(pool).await;
    app.sidecar.knows("bob", PAYEE);
    app.sidecar.knows("alice", PAYER);
    app
}

fn asking() -> Value {
    json!({ "payer_username": "alice", "amount": { "amount_minor": 1200, "currency": "EUR" }, "note": "Pizza" })
}

/// What `PAYEE` asks of `PAYER`; its path.
async fn asked(app: &App) -> String {
    let made = app.ask(PAYEE, "/payment-requests", &asking()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/payment-requests/{}", made.json()["id"].as_str().unwrap())
}

fn from_one() -> Value {
    json!({ "from_account_id": Uuid::from_u128(1) })
}

async fn pay(app: &App, path: &str) -> crate::support::Raw {
    app.ask(PAYER, &format!("{path}/pay"), &from_one()).await
}

#[sqlx::test]
async fn a_request_is_seen_by_both_and_paid_by_one_transfer(pool: PgPool) {
    let app = app(pool).await;
    let path = asked(&app).await;
    let open = app.get(&path, PAYER).await.json;
    assert_eq!(
        (
            &open["state"],
            &open["requester_username"],
            &open["payer_username"]
        ),
        (&json!("open"), &json!("bob"), &json!("alice"))
    );
    assert_eq!(
        (&open["note"], &open["to_account_id"]),
        (&json!("Pizza"), &json!(account_of(PAYEE)))
    );
    assert_eq!(app.get(&path, PAYEE).await.json, open);

    let token = app.issuer.user_token(PAYER);
    let to_pay = format!("{path}/pay");
    let paid = app.send(&to_pay, &token, Some("k"), &from_one()).await;
    assert_eq!(paid.status, 201, "{}", paid.body);
    let transaction = paid.json();
    assert_eq!(
        (&transaction["payment_request_id"], &transaction["description"]),
        (&open["id"], &json!("Pizza"))
    );
    let done = app.get(&path, PAYEE).await.json;
    assert_eq!(
        (&done["state"], &done["transaction_id"], &done["ended_at"]),
        (&json!("paid"), &transaction["id"], &transaction["completed_at"])
    );
    assert_eq!(
        app.send(&to_pay, &token, Some("k"), &from_one()).await,
        paid,
        "a repeat gets the first answer"
    );
    for end in ["pay", "decline"] {
        let answer = app.ask(PAYER, &format!("{path}/{end}"), &from_one()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "payment_request_not_open")
        );
    }
    assert_eq!(app.ledger.applied(), 1);
}

#[sqlx::test]
async fn asking_again_under_the_same_key_asks_once(pool: PgPool) {
    let app = app(pool).await;
    let token = app.issuer.user_token(PAYEE);
    let (body, by_id) = (
        asking(),
        json!({ "payer_user_id": PAYER, "amount": asking()["amount"] }),
    );
    let ask = |key, body| app.send("/payment-requests", &token, Some(key), body);
    let (first, second) = tokio::join!(ask("k", &body), ask("k", &body));
    assert_eq!((first.status, &first), (201, &second));
    app.sidecar.forgets("alice");
    assert_eq!(ask("k", &body).await, first);
    assert_eq!(ask("k", &by_id).await.code(), "idempotency_key_reused");
    assert_eq!(app.count("payment_requests").await, 1);
}

#[sqlx::test]
async fn payments_that_race_make_one(pool: PgPool) {
    let app = app(pool).await;
    let path = asked(&app).await;
    app.ledger.set(Mode::Hang);
    let release = async {
        app.until_seen(1).await;
        // One has it: nobody else pays or ends it meanwhile.
        for (user, end) in [(PAYER, "pay"), (PAYER, "decline"), (PAYEE, "cancel")] {
            let busy = app.ask(user, &format!("{path}/{end}"), &from_one()).await;
            assert_eq!(
                (busy.status, busy.code().as_str()),
                (409, "payment_request_busy"),
                "{end}"
            );
        }
        app.ledger.set(Mode::Apply);
    };
    let (a, b, c, ()) = tokio::join!(pay(&app, &path), pay(&app, &path), pay(&app, &path), release);
    let mut codes = [a, b, c].map(|answer| (answer.status, answer.code()));
    codes.sort();
    assert_eq!(codes[0].0, 201);
    assert!(
        codes[1..]
            .iter()
            .all(|(_, code)| code.starts_with("payment_request_"))
    );
    assert_eq!(app.ledger.applied(), 1);
    assert_eq!(app.get(&path, PAYER).await.json["state"], "paid");
}

#[sqlx::test]
async fn a_payment_and_a_refusal_that_race_leave_one_of_them(pool: PgPool) {
    let app = app(pool).await;
    for _ in 0..10 {
        let path = asked(&app).await;
        let (to_decline, to_cancel) = (format!("{path}/decline"), format!("{path}/cancel"));
        let nothing = json!({});
        let before = app.ledger.applied();
        let (paid, declined, cancelled) = tokio::join!(
            pay(&app, &path),
            app.ask(PAYER, &to_decline, &nothing),
            app.ask(PAYEE, &to_cancel, &nothing),
        );
        let done = [
            paid.status == 201,
            declined.status == 200,
            cancelled.status == 200,
        ];
        assert_eq!(done.iter().filter(|done| **done).count(), 1);
        assert_eq!(app.ledger.applied() - before, usize::from(done[0]));
        let state = app.get(&path, PAYER).await.json["state"].clone();
        let place = ["paid", "declined", "cancelled"]
            .iter()
            .position(|name| state == *name);
        assert_eq!(place, done.iter().position(|done| *done));
    }
}

#[sqlx::test]
async fn a_payment_that_failed_leaves_it_open(pool: PgPool) {
    let app = app(pool).await;
    let path = asked(&app).await;
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    assert_eq!(pay(&app, &path).await.code(), "insufficient_funds");
    let open = app.get(&path, PAYER).await.json;
    assert_eq!(
        (&open["state"], &open["transaction_id"]),
        (&json!("open"), &Value::Null)
    );
    app.ledger.set(Mode::LoseAnswer);
    assert_eq!(pay(&app, &path).await.code(), "outcome_pending");
    assert_eq!(pay(&app, &path).await.code(), "payment_request_busy");
    app.ledger.set(Mode::Apply);
    assert_eq!(app.recover().await, 1);
    assert_eq!(app.get(&path, PAYER).await.json["state"], "paid");
}

#[sqlx::test]
async fn each_party_ends_it_in_its_own_way_and_a_repeat_changes_nothing(pool: PgPool) {
    let app = app(pool).await;
    for (user, other, end, state) in [
        (PAYER, PAYEE, "decline", "declined"),
        (PAYEE, PAYER, "cancel", "cancelled"),
    ] {
        let path = asked(&app).await;
        let to_end = format!("{path}/{end}");
        let refused = app.ask(other, &to_end, &json!({})).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (404, "payment_request_not_found")
        );
        let ended = app.ask(user, &to_end, &json!({})).await;
        assert_eq!(
            (ended.status, &ended.json()["state"]),
            (200, &json!(state)),
            "{}",
            ended.body
        );
        assert_eq!(app.ask(user, &to_end, &json!({})).await, ended);
        assert_eq!(pay(&app, &path).await.code(), "payment_request_not_open");
    }
    let pays_oneself = app
        .ask(PAYEE, &format!("{}/pay", asked(&app).await), &from_one())
        .await;
    assert_eq!(pays_oneself.code(), "payment_request_not_found");
    assert_eq!(app.ledger.applied(), 0);
}

/// As if the time of a request had been over for a day.
async fn make_overdue(app: &App, path: &str) {
    sqlx::query(
        "update payment_requests set created_at = now() - interval '2 days', expires_at = now() - interval '1 day'
         where '/payment-requests/' || id = $1",
    )
    .bind(path)
    .execute(&app.pool)
    .await
    .unwrap();
}

#[sqlx::test]
async fn one_whose_time_is_over_has_expired_and_is_never_paid(pool: PgPool) {
    let app = app(pool).await;
    let path = asked(&app).await;
    make_overdue(&app, &path).await;
    let unwritten = app.get(&path, PAYER).await.json;
    assert_eq!(
        (&unwritten["state"], &unwritten["ended_at"]),
        (&json!("expired"), &unwritten["expires_at"])
    );
    assert_eq!(pay(&app, &path).await.code(), "payment_request_not_open");
    let decline = app.ask(PAYER, &format!("{path}/decline"), &json!({})).await;
    assert_eq!(decline.code(), "payment_request_not_open");
    assert_eq!((app.ledger.applied(), app.count("transactions").await), (0, 0));
}

#[sqlx::test]
async fn the_list_is_by_direction_and_state_and_paged(pool: PgPool) {
    let app = app(pool).await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(asked(&app).await);
    }
    pay(&app, &paths[0]).await;
    let ids = async |user, query: &str| {
        let list = app.get(&format!("/payment-requests?{query}"), user).await.json;
        let ids = list["items"].as_array().unwrap().iter();
        let ids: Vec<_> = ids
            .map(|item| format!("/payment-requests/{}", item["id"].as_str().unwrap()))
            .collect();
        (ids, list["next_cursor"].clone())
    };
    let newest: Vec<_> = paths.iter().rev().cloned().collect();
    assert_eq!(ids(PAYER, "").await.0, newest);
    assert_eq!(ids(PAYEE, "direction=outgoing").await.0, newest);
    assert_eq!(ids(PAYEE, "direction=incoming").await.0, Vec::<String>::new());
    assert_eq!(
        ids(PAYER, "direction=incoming&state=open").await.0,
        newest[..2].to_vec()
    );
    assert_eq!(ids(PAYER, "state=paid").await.0, newest[2..].to_vec());
    let (page, next) = ids(PAYER, "limit=2").await;
    assert_eq!(page, newest[..2].to_vec());
    let rest = ids(PAYER, &format!("limit=2&cursor={}", next.as_str().unwrap())).await;
    assert_eq!(rest, (newest[2..].to_vec(), Value::Null));
    let list = app
        .get(
            &format!("/payment-requests?limit=1&cursor={}", next.as_str().unwrap()),
            PAYER,
        )
        .await
        .json;
    let back = list["previous_cursor"].as_str().unwrap();
    let (page, _) = ids(PAYER, &format!("limit=1&cursor={back}")).await;
    assert_eq!(page, newest[1..2].to_vec());
    assert_eq!(ids(Uuid::now_v7(), "").await.0, Vec::<String>::new());
    for query in ["direction=up", "state=pending", "limit=0"] {
        let answer = app.get(&format!("/payment-requests?{query}"), PAYER).await;
        assert_eq!(answer.code(), "invalid_query", "{query}");
    }
}

#[sqlx::test]
async fn bad_requests_are_refused_and_nothing_is_recorded(pool: PgPool) {
    let app = app(pool).await;
    let with = |field: &str, value: Value| {
        let mut body = asking();
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("payer_username", json!("nobody")), "payee_not_found"),
        (with("payer_username", json!("bob")), "invalid_request"),
        (with("payer_user_id", json!(PAYER)), "invalid_request"),
        (with("payer_username", Value::Null), "invalid_request"),
        (
            with("amount", json!({ "amount_minor": 0, "currency": "EUR" })),
            "invalid_amount",
        ),
        (with("note", json!("a\u{0}b")), "invalid_request"),
        (with("expires_in_s", json!(0)), "invalid_request"),
        (with("expires_in_s", json!(7_776_001)), "invalid_request"),
        (
            with("to_account_id", json!(Uuid::from_u128(1))),
            "invalid_request",
        ),
    ] {
        let answer = app.ask(PAYEE, "/payment-requests", &body).await;
        assert_eq!(answer.code(), code, "{body}");
    }
    app.sidecar.has_no_account(PAYEE);
    let answer = app.ask(PAYEE, "/payment-requests", &asking()).await;
    assert_eq!(answer.code(), "account_not_found");
    assert_eq!(
        (
            app.count("payment_requests").await,
            app.count("idempotency_keys").await
        ),
        (0, 0)
    );
}

#[sqlx::test]
async fn a_user_has_a_hundred_open_at_most(pool: PgPool) {
    let app = app(pool).await;
    sqlx::query(
        "insert into payment_requests (id, requester_user_id, payer_user_id, to_account_id, amount_minor, currency,
                                       created_at, expires_at)
         select gen_random_uuid(), $1, $2, gen_random_uuid(), 5, 'EUR', now() - interval '2 days',
                now() + make_interval(days => case when number <= 99 then 1 else -1 end)
         from generate_series(1, 150) as number",
    )
    .bind(PAYEE)
    .bind(PAYER)
    .execute(&app.pool)
    .await
    .unwrap();
    let body = asking();
    let (a, b) = tokio::join!(
        app.ask(PAYEE, "/payment-requests", &body),
        app.ask(PAYEE, "/payment-requests", &body)
    );
    let mut answers = [(a.status, a.code()), (b.status, b.code())];
    answers.sort();
    assert_eq!(answers[0].0, 201);
    assert_eq!(answers[1], (422, "too_many_payment_requests".to_owned()));
}

#[sqlx::test]
async fn an_end_can_not_be_changed_in_the_database_either(pool: PgPool) {
    let app = app(pool).await;
    let path = asked(&app).await;
    app.ask(PAYER, &format!("{path}/decline"), &json!({})).await;
    for statement in [
        "update payment_requests set state = 'open', ended_at = null",
        "update payment_requests set amount_minor = 1",
        "delete from payment_requests",
    ] {
        assert!(
            sqlx::query(statement).execute(&app.pool).await.is_err(),
            "{statement}"
        );
    }
}

#[sqlx::test]
async fn asking_declining_and_taking_back_are_announced_once_each(pool: PgPool) {
    let app = app(pool).await;
    let declined = asked(&app).await;
    for _ in 0..2 {
        let answer = app.ask(PAYER, &format!("{declined}/decline"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let cancelled = asked(&app).await;
    for _ in 0..2 {
        let answer = app.ask(PAYEE, &format!("{cancelled}/cancel"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(
        told(&app).await,
        [
            (declined.clone(), "open".to_owned()),
            (declined, "declined".to_owned()),
            (cancelled.clone(), "open".to_owned()),
            (cancelled, "cancelled".to_owned()),
        ]
    );
}

#[sqlx::test]
async fn an_expiry_is_announced_once_whoever_races(pool: PgPool) {
    let app = app(pool).await;
    let (over, open) = (asked(&app).await, asked(&app).await);
    make_overdue(&app, &over).await;
    let seen = app.get(&over, PAYER).await.json;
    let round = || expire_payment_requests(&app.pool);
    let (a, b, c) = tokio::join!(round(), round(), round());
    assert_eq!([a, b, c].map(Result::unwrap).iter().sum::<usize>(), 1);
    assert_eq!(round().await.unwrap(), 0);
    assert_eq!(app.get(&over, PAYER).await.json, seen, "nothing to see of it");
    assert_eq!(pay(&app, &over).await.code(), "payment_request_not_open");
    let word = str::to_owned;
    assert_eq!(
        told(&app).await,
        [
            (over.clone(), word("open")),
            (open, word("open")),
            (over, word("expired"))
        ]
    );
}

#[sqlx::test]
async fn one_that_a_payment_has_expires_once_that_has_failed_and_never_if_it_is_paid(pool: PgPool) {
    let app = app(pool).await;
    for (answer, state, expired) in [
        (Mode::Apply, "paid", 0),
        (Mode::Refuse("insufficient_funds"), "expired", 1),
    ] {
        let path = asked(&app).await;
        app.ledger.set(Mode::Down);
        assert_eq!(pay(&app, &path).await.code(), "outcome_pending");
        make_overdue(&app, &path).await;
        assert_eq!(expire_payment_requests(&app.pool).await.unwrap(), 0);
        assert_eq!(app.get(&path, PAYER).await.json["state"], "open");
        app.ledger.set(answer);
        assert_eq!(app.recover().await, 1);
        assert_eq!(app.get(&path, PAYER).await.json["state"], state);
        assert_eq!(expire_payment_requests(&app.pool).await.unwrap(), expired);
        assert_eq!(app.get(&path, PAYER).await.json["state"], state);
    }
}

#[sqlx::test]
async fn many_that_expired_are_written_down_in_rounds(pool: PgPool) {
    let app = app(pool).await;
    sqlx::query(
        "insert into payment_requests (id, requester_user_id, payer_user_id, to_account_id, amount_minor, currency,
                                       created_at, expires_at)
         select gen_random_uuid(), $1, $2, gen_random_uuid(), 5, 'EUR', now() - interval '2 days', now() - interval '1 day'
         from generate_series(1, 201)",
    )
    .bind(PAYEE)
    .bind(PAYER)
    .execute(&app.pool)
    .await
    .unwrap();
    for expected in [200, 1, 0] {
        assert_eq!(expire_payment_requests(&app.pool).await.unwrap(), expected);
    }
    assert_eq!(app.count("outbox").await, 201);
}

/// What was announced of requests, in its order: their paths and states.
async fn told(app: &App) -> Vec<(String, String)> {
    let events: Vec<(String, Value)> = sqlx::query_as("select topic, data from outbox order by seq")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    events
        .iter()
        .map(|(topic, data)| {
            assert_eq!(topic, "PAYMENT_REQUEST_CHANGED");
            assert_eq!(data["amount"], asking()["amount"]);
            assert_eq!(data["requester_user_id"], json!(PAYEE));
            assert_eq!(data["payer_user_id"], json!(PAYER));
            assert!(data.get("note").is_none(), "{data}");
            let path = format!(
                "/payment-requests/{}",
                data["payment_request_id"].as_str().unwrap()
            );
            (path, data["state"].as_str().unwrap().to_owned())
        })
        .collect()
}
