//! `GET /transactions` and `GET /transactions/{id}`.

mod support;

use sqlx::PgPool;
use support::{App, Mode, PAYEE, transfer_of};
use uuid::Uuid;

#[sqlx::test]
async fn both_parties_see_a_completed_transfer_and_nobody_else(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let made = app.transfer(payer, "k", &transfer_of(5)).await.json();
    let path = format!("/transactions/{}", made["id"].as_str().unwrap());
    for party in [payer, PAYEE] {
        assert_eq!(app.get(&path, party).await.json, made);
        assert_eq!(
            app.get("/transactions", party).await.json["items"],
            serde_json::json!([made])
        );
    }
    let stranger = app.get(&path, Uuid::now_v7()).await;
    assert_eq!(
        (stranger.status.as_u16(), stranger.code()),
        (404, "transaction_not_found")
    );
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    app.transfer(payer, "k2", &transfer_of(5)).await;
    assert_eq!(
        app.get("/transactions", PAYEE).await.json["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "a failed one is the payer's"
    );
}

#[sqlx::test]
async fn pages_follow_each_other_without_gap_or_repeat(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for number in 0..5 {
        app.transfer(user, &format!("made-{number}"), &transfer_of(5))
            .await;
        app.transfer(PAYEE, &format!("both-{number}"), &transfer_of(5))
            .await;
    }
    for (who, expected) in [(user, 5), (PAYEE, 10)] {
        let mut ids: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/transactions?limit=3{cursor}"), who).await.json;
            ids.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(ids.len(), expected);
        assert!(ids.is_sorted_by(|a, b| a > b), "newest first");
    }
    for query in ["limit=0", "limit=201", "cursor=x"] {
        assert_eq!(
            app.get(&format!("/transactions?{query}"), user).await.code(),
            "invalid_query"
        );
    }
}
