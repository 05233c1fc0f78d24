//! The announcements of statements: of which months and accounts, and each once.

use account::statements::announce;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{call, request};
use uuid::Uuid;

use crate::support::{App, Holder};

/// The first moment at which January 2020 is announced.
const JANUARY_IS_DUE: &str = "2020-02-01T01:00:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A service that has announced every month before this one.
async fn app_in(pool: PgPool, month: &str) -> App {
    let app = App::new(pool);
    go_back_to(&app, month).await;
    app
}

async fn go_back_to(app: &App, month: &str) {
    sqlx::query("update statement_progress set month = ($1 || '-01')::date, after_account = default")
        .bind(month)
        .execute(&app.pool)
        .await
        .unwrap();
}

/// A user whose account was opened in 2019, with top-ups of one cent, one a day from `start` on.
async fn old_holder(app: &App, count: i64, start: &str) -> Holder {
    let holder = app.holder(0).await;
    app.backdate(&holder, count, start, "1 day").await;
    sqlx::query("update accounts set created_at = '2019-12-31T12:00:00Z' where id = $1")
        .bind(holder.account)
        .execute(&app.pool)
        .await
        .unwrap();
    holder
}

async fn announced(app: &App) -> Vec<Value> {
    sqlx::query_scalar("select data from outbox order by seq")
        .fetch_all(&app.pool)
        .await
        .unwrap()
}

fn ready(holder: &Holder, month: &str, opening: i64, closing: i64) -> Value {
    let euro = |amount| json!({ "amount_minor": amount, "currency": "EUR" });
    json!({ "user_id": holder.user, "account_id": holder.account, "month": month, "opening": euro(opening),
            "closing": euro(closing) })
}

#[sqlx::test]
async fn a_month_is_announced_an_hour_after_its_end_for_each_account_that_moved_in_it(pool: PgPool) {
    let app = app_in(pool, "2020-01").await;
    let moved = old_holder(&app, 40, "2019-12-31T23:59:59.999999Z").await;
    old_holder(&app, 5, "2020-02-01T00:00:00Z").await;
    old_holder(&app, 0, "2020-01-01T00:00:00Z").await;
    assert_eq!(
        announce(&app.pool, time("2020-02-01T00:59:59Z")).await.unwrap(),
        0
    );
    assert_eq!(announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap(), 1);
    assert_eq!(announced(&app).await, [ready(&moved, "2020-01", 1, 32)]);
    let (topic, kind, subject): (String, String, String) =
        sqlx::query_as("select topic, kind, subject from outbox")
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert_eq!(
        (&*topic, &*kind, &*subject),
        (
            "STATEMENT_READY",
            "payme.statement.ready.v1",
            &*moved.account.to_string()
        )
    );
    // The event says what the route does.
    let path = format!("/accounts/{}/statement?month=2020-01", moved.account);
    let statement = app.get(&path, &moved.token).await.json;
    assert_eq!(
        (&statement["opening_minor"], &statement["closing_minor"]),
        (&json!(1), &json!(32))
    );
}

#[sqlx::test]
async fn a_service_that_was_away_for_months_makes_up_for_each_of_them_in_order(pool: PgPool) {
    let app = app_in(pool, "2019-11").await;
    let holder = old_holder(&app, 60, "2020-01-31T00:00:00Z").await;
    assert_eq!(
        announce(&app.pool, time("2020-04-15T00:00:00Z")).await.unwrap(),
        3
    );
    let expected = [
        ready(&holder, "2020-01", 0, 1),
        ready(&holder, "2020-02", 1, 30),
        ready(&holder, "2020-03", 30, 60),
    ];
    assert_eq!(announced(&app).await, expected);
    // April, which has nothing, comes next; going back to what was announced announces nothing.
    assert_eq!(
        announce(&app.pool, time("2020-05-02T00:00:00Z")).await.unwrap(),
        0
    );
    go_back_to(&app, "2020-01").await;
    assert_eq!(
        announce(&app.pool, time("2020-05-02T00:00:00Z")).await.unwrap(),
        0
    );
    assert_eq!(announced(&app).await, expected);
}

#[sqlx::test]
async fn months_that_were_over_when_announcements_began_are_announced_to_nobody(pool: PgPool) {
    let app = App::new(pool);
    old_holder(&app, 60, "2020-01-31T00:00:00Z").await;
    assert_eq!(announce(&app.pool, Utc::now()).await.unwrap(), 0);
    let begins: bool = sqlx::query_scalar(
        "select month = date_trunc('month', now() at time zone 'UTC') from statement_progress",
    )
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert!(begins, "with the month that goes on");
}

#[sqlx::test]
async fn replicas_that_race_announce_each_statement_once(pool: PgPool) {
    let app = app_in(pool, "2020-01").await;
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(ready(
            &old_holder(&app, 3, "2020-01-05T00:00:00Z").await,
            "2020-01",
            0,
            3,
        ));
    }
    let turn = || announce(&app.pool, time(JANUARY_IS_DUE));
    let turns = tokio::join!(turn(), turn(), turn(), turn());
    let counts = [turns.0, turns.1, turns.2, turns.3].map(Result::unwrap);
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
    let mut found = announced(&app).await;
    let by_account = |data: &Value| data["account_id"].as_str().unwrap().to_owned();
    found.sort_by_key(by_account);
    expected.sort_by_key(by_account);
    assert_eq!(found, expected);
}

#[sqlx::test]
async fn a_turn_has_an_end_and_the_next_one_goes_on_from_there(pool: PgPool) {
    let app = app_in(pool, "2020-01").await;
    // A month of 300 accounts; the ids are random, as users may choose them.
    sqlx::query(
        "with opened as (
             insert into accounts (id, owner_user_id, type, currency, name, limit_minor, created_at)
             select gen_random_uuid(), gen_random_uuid(), 'current', 'EUR', 'x', 0, '2020-01-01' from generate_series(1, 300)
             returning id
         )
         insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor, created_at)
         select id, 1, gen_random_uuid(), 7, 7, '2020-01-15' from opened",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    assert_eq!(announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap(), 200);
    assert_eq!(announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap(), 100);
    assert_eq!(announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap(), 0);
    let accounts: i64 = sqlx::query_scalar("select count(distinct data->>'account_id') from outbox")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(accounts, 300);
}

#[sqlx::test]
async fn an_announcement_that_can_not_be_written_is_made_later(pool: PgPool) {
    let app = app_in(pool, "2020-01").await;
    let holder = old_holder(&app, 1, "2020-01-05T00:00:00Z").await;
    let execute = async |statement: &'static str| sqlx::query(statement).execute(&app.pool).await.unwrap();
    execute("alter table outbox rename to away").await;
    announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap_err();
    execute("alter table away rename to outbox").await;
    // The turn that failed ends when the pool has rolled it back.
    execute("select from statement_progress for update").await;
    assert_eq!(announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap(), 1);
    assert_eq!(announced(&app).await, [ready(&holder, "2020-01", 0, 1)]);
}

#[sqlx::test]
async fn the_system_and_who_has_left_are_told_nothing_and_an_account_that_closed_since_is_told(pool: PgPool) {
    let app = app_in(pool, "2020-01").await;
    let (left, stays) = (
        old_holder(&app, 1, "2020-01-05T00:00:00Z").await,
        old_holder(&app, 1, "2020-01-05T00:00:00Z").await,
    );
    // The one has left, the other has closed a savings account that had a movement; the system's accounts move with each.
    sqlx::query(
        "with old as (
             insert into accounts (id, owner_user_id, type, currency, name, limit_minor, status, created_at)
             values ($2, $1, 'savings', 'EUR', 'x', 0, 'closed', '2019-12-01') returning id
         ), system as (
             update accounts set created_at = '2019-12-01' where owner_user_id is null returning id
         )
         insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor, created_at)
         select id, number, gen_random_uuid(), case number when 1 then 7 else -7 end, case number when 1 then 7 else 0 end, '2020-01-15'
         from (select id from old union all select id from system) as moved, generate_series(1, 2) as number",
    )
    .bind(stays.user)
    .bind(Uuid::from_u128(7))
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query("update accounts set balance_minor = 0 where id = $1")
        .bind(left.account)
        .execute(&app.pool)
        .await
        .unwrap();
    let token = app.issuer.service_token("gateway", "account", "erase");
    let erased = request(
        "POST",
        "/internal/erase",
        &token,
        &json!({ "user_id": left.user }),
    );
    assert_eq!(call(&app.router, erased).await.status, 204);
    announce(&app.pool, time(JANUARY_IS_DUE)).await.unwrap();
    let closed = Holder {
        user: stays.user,
        account: Uuid::from_u128(7),
        token: String::new(),
    };
    assert_eq!(
        announced(&app).await,
        [ready(&closed, "2020-01", 0, 0), ready(&stays, "2020-01", 0, 1)]
    );
}
