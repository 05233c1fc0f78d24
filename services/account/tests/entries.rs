//! `GET /accounts/{id}/entries`.

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, transfer};

#[sqlx::test]
async fn entries_come_newest_first_and_page_by_page(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    for amount in [1, 2, 3] {
        app.post(&[transfer(Uuid::now_v7(), &payer, &payee, amount)])
            .await;
    }
    let path = format!("/accounts/{}/entries?limit=3", payer.account);
    let page = app.get(&path, &payer.token).await.json;
    let amounts = |page: &serde_json::Value| -> Vec<(i64, i64)> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|e| {
                (
                    e["amount"]["amount_minor"].as_i64().unwrap(),
                    e["balance_minor"].as_i64().unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(amounts(&page), [(-3, 94), (-2, 97), (-1, 99)]);
    let rest = app
        .get(
            &format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap()),
            &payer.token,
        )
        .await
        .json;
    assert_eq!(amounts(&rest), [(100, 100)]);
    assert!(rest["next_cursor"].is_null());
    let back = rest["previous_cursor"].as_str().unwrap();
    let back = app.get(&format!("{path}&cursor={back}"), &payer.token).await.json;
    assert_eq!(back["items"], page["items"]);
    assert!(back["previous_cursor"].is_null());
}

#[sqlx::test]
async fn the_ledgers_history_can_not_be_rewritten(pool: PgPool) {
    let app = App::new(pool);
    app.holder(100).await;
    for statement in [
        "update entries set amount_minor = 1",
        "delete from entries",
        "truncate entries",
        "update postings set amount_minor = 1",
        "delete from postings",
        "update accounts set balance_minor = -1 where type = 'current'",
        "update accounts set held_minor = 101 where type = 'current'",
        "update accounts set status = 'closed' where type = 'current'",
    ] {
        assert!(
            sqlx::query(statement).execute(&app.pool).await.is_err(),
            "{statement}"
        );
    }
    app.assert_sound().await;
}
