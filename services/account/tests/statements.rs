//! `GET /accounts/{id}/balance` and `GET /accounts/{id}/statement`.

use axum::body::to_bytes;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::request;
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{App, Holder, transfer};

async fn balance_at(app: &App, holder: &Holder, at: &str) -> (i64, i64) {
    let path = format!("/accounts/{}/balance?at={at}", holder.account);
    let answer = app.get(&path, &holder.token).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json);
    (
        answer.json["balance_minor"].as_i64().unwrap(),
        answer.json["sequence"].as_i64().unwrap(),
    )
}

fn statement_path(holder: &Holder, query: &str) -> String {
    format!("/accounts/{}/statement{query}", holder.account)
}

async fn file(app: &App, holder: &Holder, query: &str) -> (HeaderMap, Vec<u8>) {
    let request = request("GET", &statement_path(holder, query), &holder.token, &Value::Null);
    let answer = app.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    (
        headers,
        to_bytes(answer.into_body(), 10_000_000).await.unwrap().to_vec(),
    )
}

#[sqlx::test]
async fn the_balance_at_a_time_is_that_of_the_last_entry_up_to_it(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    assert_eq!(
        balance_at(&app, &holder, "2020-01-01T00:00:00Z").await,
        (0, 0),
        "no entry at all"
    );
    for count in [1, 2, 3, 7, 100] {
        let holder = app.holder(0).await;
        app.backdate(&holder, count, "2020-01-01T12:00:00Z", "1 day")
            .await;
        assert_eq!(
            balance_at(&app, &holder, "2020-01-01T11:59:59.999999Z").await,
            (0, 0)
        );
        assert_eq!(balance_at(&app, &holder, "2020-01-01T12:00:00Z").await, (1, 1));
        assert_eq!(
            balance_at(&app, &holder, "2030-01-01T00:00:00Z").await,
            (count, count)
        );
    }
    let holder = app.holder(0).await;
    app.backdate(&holder, 31, "2020-01-01T12:00:00Z", "1 day").await;
    for day in 1..=31 {
        assert_eq!(
            balance_at(&app, &holder, &format!("2020-01-{day:02}T11:00:00Z")).await,
            (day - 1, day - 1)
        );
        assert_eq!(
            balance_at(&app, &holder, &format!("2020-01-{day:02}T14:00:00%2B02:00")).await,
            (day, day)
        );
    }
}

#[sqlx::test]
async fn without_a_time_it_is_the_balance_of_now(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(5).await;
    let now = app
        .get(&format!("/accounts/{}/balance", holder.account), &holder.token)
        .await;
    assert_eq!(
        (&now.json["balance_minor"], &now.json["sequence"]),
        (&json!(5), &json!(1))
    );
    let bad = app
        .get(
            &format!("/accounts/{}/balance?at=yesterday", holder.account),
            &holder.token,
        )
        .await;
    assert_eq!(bad.code(), "invalid_query");
}

#[sqlx::test]
async fn each_month_opens_as_the_one_before_closed(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    // The first entry is the last day of January, the last one the first of April.
    app.backdate(&holder, 62, "2020-01-31T00:00:00Z", "1 day").await;
    let mut closed = 0;
    for (month, entries) in [
        ("2019-12", 0),
        ("2020-01", 1),
        ("2020-02", 29),
        ("2020-03", 31),
        ("2020-04", 1),
        ("2020-05", 0),
    ] {
        let statement = app
            .get(
                &statement_path(&holder, &format!("?month={month}")),
                &holder.token,
            )
            .await
            .json;
        assert_eq!(statement["opening_minor"], closed, "{month}");
        assert_eq!(statement["entries"].as_array().unwrap().len(), entries, "{month}");
        assert_eq!(statement["total_in_minor"], entries);
        assert_eq!(statement["complete"], true);
        closed = statement["closing_minor"].as_i64().unwrap();
    }
    assert_eq!(closed, 62);
}

#[sqlx::test]
async fn the_current_month_has_what_there_is_so_far(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let id = Uuid::now_v7();
    app.post(&[transfer(id, &payer, &payee, 30)]).await;
    let statement = app.get(&statement_path(&payer, ""), &payer.token).await.json;
    assert_eq!(
        [
            &statement["opening_minor"],
            &statement["total_in_minor"],
            &statement["total_out_minor"],
            &statement["closing_minor"]
        ],
        [&json!(0), &json!(100), &json!(30), &json!(70)]
    );
    assert_eq!(statement["complete"], false);
    let entries = statement["entries"].as_array().unwrap();
    assert_eq!(
        (&entries[0]["kind"], &entries[1]["kind"]),
        (&json!("top_up"), &json!("transfer"))
    );
    assert_eq!(entries[1]["posting_id"], json!(id));
    assert_eq!(entries[1]["counterparty_account_id"], json!(payee.account));
    assert_eq!(
        (&entries[1]["amount_minor"], &entries[1]["balance_minor"]),
        (&json!(-30), &json!(70))
    );
    let theirs = app.get(&statement_path(&payee, ""), &payee.token).await.json;
    assert_eq!(
        theirs["entries"][0]["counterparty_account_id"],
        json!(payer.account)
    );
}

#[sqlx::test]
async fn a_fee_is_a_line_of_its_own(pool: PgPool) {
    let app = App::new(pool);
    let (shop, customer) = (app.holder(0).await, app.holder(0).await);
    // As the ledger posts it: the whole amount comes in, and the fee goes on from there.
    sqlx::query(
        "with fees as (select id from accounts where type = 'fees' and currency = 'EUR'), posting as (
             insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                                   from_balance_minor, to_balance_minor, from_sequence, to_sequence, fee_account_id, fee_minor,
                                   fee_sequence)
             select gen_random_uuid(), 'transfer', $1, $2, $3, 1000, 'EUR', -1000, 995, 1, 1, id, 5, 1 from fees
             returning id)
         insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor)
         select side.account_id, side.sequence, posting.id, side.amount, side.balance
         from posting, fees, lateral (values ($3, 1, 1000, 1000), ($3, 2, -5, 995), (fees.id, 1, 5, 5))
             as side (account_id, sequence, amount, balance)",
    )
    .bind(customer.user)
    .bind(customer.account)
    .bind(shop.account)
    .execute(&app.pool)
    .await
    .unwrap();
    let fees: Uuid = sqlx::query_scalar("select id from accounts where type = 'fees' and currency = 'EUR'")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let statement = app.get(&statement_path(&shop, ""), &shop.token).await.json;
    let entries: Vec<_> = statement["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["kind"].clone(),
                entry["counterparty_account_id"].clone(),
                entry["amount_minor"].clone(),
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            (json!("transfer"), json!(customer.account), json!(1000)),
            (json!("fee"), json!(fees), json!(-5)),
        ]
    );
    assert_eq!(
        (&statement["total_out_minor"], &statement["closing_minor"]),
        (&json!(5), &json!(995))
    );
}

#[sqlx::test]
async fn the_files_have_names_and_all_entries(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    app.backdate(&holder, 1_000, "2020-02-03T04:05:06Z", "1 second")
        .await;
    for (format, media_type) in [("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")] {
        let (headers, body) = file(&app, &holder, &format!("?month=2020-02&format={format}")).await;
        assert_eq!(headers["content-type"], media_type);
        let name = format!(
            "attachment; filename=\"statement-{}-2020-02.{format}\"",
            holder.account
        );
        assert_eq!(headers["content-disposition"], name);
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches("top_up").count(), 1_000);
        assert!(text.contains("10.00"), "the closing balance as a decimal");
        assert!(text.contains(&holder.account.to_string()) || format == "csv");
    }
    let (_, json) = file(&app, &holder, "?month=2020-02&format=json").await;
    assert_eq!(json, file(&app, &holder, "?month=2020-02").await.1);
}

#[sqlx::test]
async fn a_month_with_too_many_entries_is_refused_and_one_with_as_many_as_fit_is_not(pool: PgPool) {
    let app = App::new(pool);
    let (most, more) = (app.holder(0).await, app.holder(0).await);
    app.backdate(&most, 10_000, "2020-02-01T00:00:00Z", "1 second")
        .await;
    app.backdate(&more, 10_001, "2020-02-01T00:00:00Z", "1 second")
        .await;
    for format in ["json", "csv", "pdf"] {
        let query = format!("?month=2020-02&format={format}");
        let (_, body) = file(&app, &most, &query).await;
        assert!(body.len() < 4_000_000, "a sidecar carries it");
        let answer = app.get(&statement_path(&more, &query), &more.token).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (422, "statement_too_long")
        );
    }
}

#[sqlx::test]
async fn a_month_to_come_and_what_is_no_month_are_refused(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(1).await;
    let future = app
        .get(&statement_path(&holder, "?month=9999-12"), &holder.token)
        .await;
    assert_eq!((future.status.as_u16(), future.code()), (422, "month_not_begun"));
    for query in [
        "?month=2026-13",
        "?month=2026",
        "?month=",
        "?format=xlsx",
        "?year=2026",
    ] {
        let answer = app.get(&statement_path(&holder, query), &holder.token).await;
        assert_eq!(answer.code(), "invalid_query", "{query}");
    }
    let ancient = app
        .get(&statement_path(&holder, "?month=0000-01"), &holder.token)
        .await;
    assert_eq!(
        (ancient.status.as_u16(), &ancient.json["closing_minor"]),
        (200, &json!(0))
    );
}
