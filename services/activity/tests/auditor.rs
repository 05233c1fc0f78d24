//! The auditor, with a real PostgreSQL and a ledger that errs.

use activity::auditor;
use activity::live::Live;
use axum::Router;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::deliver;
use uuid::Uuid;

use crate::support::ledger::Ledger;
use crate::support::{app, app_with, audit};

const OUTSIDE: Uuid = Uuid::from_u128(1);
const FEES: Uuid = Uuid::from_u128(2);
const ADA: Uuid = Uuid::from_u128(3);
const BOB: Uuid = Uuid::from_u128(4);
const SHOP: Uuid = Uuid::from_u128(5);

async fn told(router: &Router, event: &Value) {
    let answer = deliver(router, "/events/transaction-made", "from-the-sidecar", event).await;
    assert_eq!(answer.json["status"], "SUCCESS", "{event}");
}

/// A ledger whose pages have two accounts, and the service.
async fn start(pool: &PgPool) -> (Ledger, Router) {
    (Ledger::start(2, &[OUTSIDE, FEES]).await, app(pool.clone()))
}

/// What differs: kind, account, balance and entries of the ledger, and of the events.
fn differences(audit: &Value) -> Vec<(String, Uuid, [i64; 4])> {
    let difference = |difference: &Value| {
        assert_eq!(difference["type"], "/errors/ledger_difference");
        assert_eq!(difference["code"], "ledger_difference");
        let number = |side: &str, name: &str| difference[side][name].as_i64().unwrap();
        (
            difference["kind"].as_str().unwrap().to_owned(),
            difference["account_id"].as_str().unwrap().parse().unwrap(),
            [
                number("ledger", "balance_minor"),
                number("ledger", "entries"),
                number("audited", "balance_minor"),
                number("audited", "entries"),
            ],
        )
    };
    audit["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(difference)
        .collect()
}

/// As if two hours had passed.
async fn wait_two_hours(pool: &PgPool) {
    sqlx::query("UPDATE audit_findings SET first_seen_at = first_seen_at - interval '2 hours'")
        .execute(pool)
        .await
        .unwrap();
}

#[sqlx::test]
async fn events_in_any_order_and_twice_add_up_to_the_ledger(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let mut auditor = ledger.auditor(&pool);
    let expected =
        json!({ "status": "not_run", "finished_at": null, "accounts_compared": 0, "differences": [] });
    assert_eq!(audit(&router).await, expected);
    let mut events = vec![ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])];
    for amount in 1..=10 {
        events.push(ledger.post(&[(ADA, -amount), (BOB, amount)]));
        events.push(ledger.post(&[(BOB, -1), (SHOP, 1)]));
    }
    for event in events.iter().rev().chain(&events[..5]) {
        tokio::join!(told(&router, event), told(&router, event));
    }
    auditor.round().await.unwrap();
    let audit = audit(&router).await;
    assert_eq!(
        (&audit["status"], &audit["accounts_compared"]),
        (&json!("sound"), &json!(4)),
        "{audit}"
    );
    assert!(audit["finished_at"].is_string());
}

#[sqlx::test]
async fn all_four_entries_of_a_payment_with_a_fee_are_counted(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    told(&router, &ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])).await;
    told(
        &router,
        &ledger.post(&[(ADA, -1000), (SHOP, 1000), (SHOP, -5), (FEES, 5)]),
    )
    .await;
    ledger.auditor(&pool).round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "sound");
    let sums: Vec<(Uuid, i64, i64)> = sqlx::query_as(
        "SELECT account_id, balance_minor::bigint, entries FROM audited_accounts ORDER BY account_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(
        sums,
        [(OUTSIDE, -1000, 1), (FEES, 5, 1), (ADA, 0, 2), (SHOP, 995, 2)]
    );
}

#[sqlx::test]
async fn a_balance_that_is_not_the_sum_of_its_events_is_shown_until_it_is_right(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let mut auditor = ledger.auditor(&pool);
    told(&router, &ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])).await;
    ledger.accounts.lock().unwrap().get_mut(&ADA).unwrap().0 = 1001;
    auditor.round().await.unwrap();
    let first = audit(&router).await;
    assert_eq!(first["status"], "different");
    assert_eq!(
        differences(&first),
        [("balance_differs".to_owned(), ADA, [1001, 1, 1000, 1])]
    );
    auditor.round().await.unwrap();
    let again = audit(&router).await["differences"][0].clone();
    assert_eq!(again["first_seen_at"], first["differences"][0]["first_seen_at"]);
    assert_ne!(again["last_seen_at"], first["differences"][0]["last_seen_at"]);
    ledger.accounts.lock().unwrap().get_mut(&ADA).unwrap().0 = 1000;
    auditor.round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "sound");
}

#[sqlx::test]
async fn an_event_is_missing_after_the_grace_and_until_it_comes(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let mut auditor = ledger.auditor(&pool);
    told(&router, &ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])).await;
    let late = ledger.post(&[(ADA, -10), (BOB, 10)]);
    for _ in 0..2 {
        auditor.round().await.unwrap();
        assert_eq!(audit(&router).await["status"], "sound", "it may be on its way");
    }
    wait_two_hours(&pool).await;
    // The ledger goes on; that does not begin the grace anew.
    let next = ledger.post(&[(ADA, -5), (BOB, 5)]);
    auditor.round().await.unwrap();
    let expected = [
        ("events_missing".to_owned(), ADA, [985, 3, 1000, 1]),
        ("events_missing".to_owned(), BOB, [15, 2, 0, 0]),
    ];
    assert_eq!(differences(&audit(&router).await), expected);
    told(&router, &late).await;
    told(&router, &next).await;
    auditor.round().await.unwrap();
    assert_eq!(differences(&audit(&router).await), []);
}

#[sqlx::test]
async fn entries_that_the_ledger_does_not_have_are_shown_at_once(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    told(&router, &ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])).await;
    let invented = ledger.post(&[(ADA, -10), (BOB, 10)]);
    ledger.accounts.lock().unwrap().insert(ADA, (1000, 1));
    ledger.accounts.lock().unwrap().remove(&BOB);
    told(&router, &invented).await;
    ledger.auditor(&pool).round().await.unwrap();
    let expected = [
        ("unknown_entries".to_owned(), ADA, [1000, 1, 990, 2]),
        ("unknown_entries".to_owned(), BOB, [0, 0, 10, 1]),
    ];
    assert_eq!(differences(&audit(&router).await), expected);
}

#[sqlx::test]
async fn accounts_of_the_system_are_skipped_where_old_events_do_not_name_them(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    told(&router, &ledger.post_as_before(OUTSIDE, ADA, 1000)).await;
    told(&router, &ledger.post_as_before(ADA, BOB, 300)).await;
    told(&router, &ledger.post(&[(OUTSIDE, -5), (BOB, 5)])).await;
    let mut auditor = ledger.auditor(&pool);
    auditor.round().await.unwrap();
    wait_two_hours(&pool).await;
    auditor.round().await.unwrap();
    let sound = audit(&router).await;
    assert_eq!(
        (&sound["status"], &sound["accounts_compared"]),
        (&json!("sound"), &json!(2)),
        "{sound}"
    );
    ledger.accounts.lock().unwrap().get_mut(&BOB).unwrap().0 = 0;
    auditor.round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "different");
}

#[sqlx::test(migrations = false)]
async fn what_was_announced_before_there_was_an_auditor_is_read_from_the_log(pool: PgPool) {
    let run = async |sql| sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    run(include_str!("../migrations/0001_activity.sql")).await;
    let ledger = Ledger::start(2, &[OUTSIDE, FEES]).await;
    let events = [
        ledger.post_as_before(OUTSIDE, ADA, 1000),
        ledger.post_as_before(ADA, BOB, 300),
        ledger.post(&[(ADA, -100), (SHOP, 100), (SHOP, -5), (FEES, 5)]),
    ];
    for event in &events {
        sqlx::query("INSERT INTO audit_log SELECT gen_random_uuid(), 'payme.transaction.made.v1', '', $1, now(), now()")
            .bind(&event["data"])
            .execute(&pool)
            .await
            .unwrap();
    }
    sqlx::query(
        "INSERT INTO audit_log SELECT gen_random_uuid(), 'payme.user.registered.v1', '', '{}', now(), now()",
    )
    .execute(&pool)
    .await
    .unwrap();
    run(include_str!("../migrations/0002_auditor.sql")).await;
    ledger.auditor(&pool).round().await.unwrap();
    let sums: Vec<(Uuid, i64, i64)> = sqlx::query_as(
        "SELECT account_id, balance_minor::bigint, entries FROM audited_accounts ORDER BY account_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let expected = [
        (Uuid::nil(), -1000, 1),
        (FEES, 5, 1),
        (ADA, 600, 3),
        (BOB, 300, 1),
        (SHOP, 95, 2),
    ];
    assert_eq!(sums, expected);
    // In this process: a replacement would apply the migrations that the test has applied by hand.
    let router = app_with(pool.clone(), Live::default());
    assert_eq!(audit(&router).await["status"], "sound");
}

#[sqlx::test]
async fn replicas_that_work_at_once_count_each_entry_once(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let (mut one, mut two) = (ledger.auditor(&pool), ledger.auditor(&pool));
    for amount in 1..=20 {
        let event = ledger.post(&[(ADA, -amount), (BOB, amount)]);
        let ((), folded, again) =
            tokio::join!(told(&router, &event), auditor::fold(&pool), auditor::fold(&pool));
        folded.and(again).unwrap();
    }
    let (first, second) = tokio::join!(one.round(), two.round());
    first.and(second).unwrap();
    assert_eq!(differences(&audit(&router).await), []);
    one.round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "sound");
}

#[sqlx::test]
async fn a_sum_may_leave_the_range_of_an_amount_on_its_way(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let events = [
        ledger.post(&[(OUTSIDE, -i64::MAX), (ADA, i64::MAX)]),
        ledger.post(&[(ADA, -i64::MAX), (OUTSIDE, i64::MAX)]),
        ledger.post(&[(OUTSIDE, -i64::MAX), (BOB, i64::MAX)]),
    ];
    let mut auditor = ledger.auditor(&pool);
    told(&router, &events[0]).await;
    told(&router, &events[2]).await;
    auditor.round().await.unwrap();
    assert_eq!(differences(&audit(&router).await), []);
    told(&router, &events[1]).await;
    auditor.round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "sound");
}

#[sqlx::test]
async fn many_accounts_are_compared_in_several_rounds(pool: PgPool) {
    let ledger = Ledger::start(350, &[]).await;
    let count: u32 = 5000;
    sqlx::query("INSERT INTO audited_accounts SELECT lpad(to_hex(n), 32, '0')::uuid, n, 1 FROM generate_series(1, $1) n")
        .bind(i64::from(count))
        .execute(&pool)
        .await
        .unwrap();
    *ledger.accounts.lock().unwrap() = (1..=count)
        .map(|n| (Uuid::from_u128(n.into()), (i64::from(n), 1)))
        .collect();
    let (first, last) = (Uuid::from_u128(1), Uuid::from_u128(5000));
    for id in [first, last] {
        ledger.accounts.lock().unwrap().remove(&id);
    }
    let (mut auditor, router) = (ledger.auditor(&pool), app(pool.clone()));
    auditor.round().await.unwrap();
    let underway = audit(&router).await;
    assert_eq!(
        (&underway["status"], &underway["finished_at"]),
        (&json!("different"), &Value::Null)
    );
    auditor.round().await.unwrap();
    let done = audit(&router).await;
    assert_eq!(done["accounts_compared"], count);
    let expected = [
        ("unknown_entries".to_owned(), first, [0, 0, 1, 1]),
        ("unknown_entries".to_owned(), last, [0, 0, 5000, 1]),
    ];
    assert_eq!(differences(&done), expected);
}

#[sqlx::test]
async fn money_that_moves_while_the_ledger_answers_is_no_difference(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let mut auditor = ledger.auditor(&pool);
    told(&router, &ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)])).await;
    assert!(ledger.restless.set((router.clone(), pool.clone())).is_ok());
    for _ in 0..5 {
        auditor.round().await.unwrap();
        wait_two_hours(&pool).await;
        assert_eq!(audit(&router).await["status"], "sound");
    }
}

#[sqlx::test]
async fn a_ledger_that_does_not_answer_changes_nothing(pool: PgPool) {
    let (ledger, router) = start(&pool).await;
    let event = ledger.post(&[(OUTSIDE, -1000), (ADA, 1000)]);
    told(&router, &event).await;
    let accounts = std::mem::take(&mut *ledger.accounts.lock().unwrap());
    let mut auditor = ledger.auditor(&pool);
    assert!(auditor.round().await.is_err());
    assert_eq!(audit(&router).await["status"], "not_run");
    *ledger.accounts.lock().unwrap() = accounts;
    auditor.round().await.unwrap();
    assert_eq!(audit(&router).await["status"], "sound");
}
