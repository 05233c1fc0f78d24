//! `GET /internal/balances`.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, transfer};

async fn balances(app: &App, query: &str) -> testkit::Answer {
    let token = app.issuer.service_token("activity", "account", "ledger:read");
    app.get(&format!("/internal/balances{query}"), &token).await
}

#[sqlx::test]
async fn the_balances_of_all_accounts_come_page_by_page_in_the_order_of_ids(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    for amount in [1, 2] {
        app.post(&[transfer(Uuid::now_v7(), &payer, &payee, amount)])
            .await;
    }
    let whole = balances(&app, "").await;
    assert_eq!(
        (whole.status.as_u16(), &whole.json["next_cursor"]),
        (200, &Value::Null)
    );
    let mut paged = Vec::new();
    let mut query = "?limit=10".to_owned();
    loop {
        let page = balances(&app, &query).await.json;
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=10&cursor={cursor}");
    }
    assert_eq!(&paged, whole.json["items"].as_array().unwrap());
    assert!(paged.is_sorted_by_key(|item| item["account_id"].as_str().unwrap().to_owned()));
    let of = |id: Uuid| paged.iter().find(|item| item["account_id"] == json!(id)).unwrap();
    for (id, balance, entries) in [(payer.account, 97, 3), (payee.account, 3, 2)] {
        let expected =
            json!({ "account_id": id, "system": false, "balance_minor": balance, "entries": entries });
        assert_eq!(of(id), &expected);
    }
    let mut outside = paged
        .iter()
        .filter(|item| item["system"] == true && item["entries"] != 0);
    let outside = (outside.next().unwrap(), outside.next());
    assert_eq!((&outside.0["balance_minor"], outside.1), (&json!(-100), None));
    let accounts: i64 = sqlx::query_scalar("select count(*) from accounts")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(paged.len(), usize::try_from(accounts).unwrap());
}

#[sqlx::test]
async fn a_page_goes_on_after_an_account_that_is_not_there(pool: PgPool) {
    let app = App::new(pool);
    let last = balances(&app, "?cursor=ffffffff-ffff-ffff-ffff-ffffffffffff").await;
    assert_eq!(
        last.json,
        json!({ "items": [], "next_cursor": null, "previous_cursor": null })
    );
    for bad in ["limit=0", "limit=1001", "cursor=x", "page=2"] {
        assert_eq!(
            balances(&app, &format!("?{bad}")).await.code(),
            "invalid_query",
            "{bad}"
        );
    }
}

#[sqlx::test]
async fn nobody_but_the_auditor_reads_them(pool: PgPool) {
    let app = App::new(pool);
    for (token, code) in [
        (String::new(), "missing_token"),
        (app.issuer.user_token(Uuid::now_v7()), "invalid_token"),
        (
            app.issuer
                .service_token("transaction", "account", "postings:write"),
            "forbidden",
        ),
        (
            app.issuer.service_token("gateway", "account", "ledger:read"),
            "forbidden",
        ),
    ] {
        assert_eq!(app.get("/internal/balances", &token).await.code(), code);
    }
}
