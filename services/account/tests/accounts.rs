//! `GET /accounts`, `GET /accounts/{id}` and `POST /internal/provision`.

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::App;

#[sqlx::test]
async fn a_user_without_accounts_gets_the_default_one_by_listing(pool: PgPool) {
    let app = App::new(pool);
    let token = app.issuer.user_token(Uuid::now_v7());
    let first = app.get("/accounts", &token).await;
    assert_eq!(first.status, 200);
    let account = &first.json["items"][0];
    assert_eq!(account["type"], "current");
    assert_eq!(account["currency"], "EUR");
    assert_eq!(account["status"], "open");
    assert_eq!(
        (&account["balance_minor"], &account["available_minor"]),
        (&0.into(), &0.into())
    );
    assert_eq!(first.json["next_cursor"], serde_json::Value::Null);
    assert_eq!(app.get("/accounts", &token).await.json, first.json);
}

#[sqlx::test]
async fn provisioning_any_number_of_times_at_once_opens_one_account(pool: PgPool) {
    let app = App::new(pool);
    let user = Uuid::now_v7();
    let token = app.issuer.user_token(user);
    let (a, b, c, d, list) = tokio::join!(
        app.provision(user),
        app.provision(user),
        app.provision(user),
        app.get("/accounts", &token),
        app.get("/accounts", &token)
    );
    for answer in [a, b, c, d, list] {
        assert_eq!(answer.status, 200);
    }
    let accounts = app.get("/accounts", &token).await;
    assert_eq!(accounts.json["items"].as_array().unwrap().len(), 1);
}

#[sqlx::test]
async fn somebody_elses_account_looks_like_one_that_does_not_exist(pool: PgPool) {
    let app = App::new(pool);
    let (owner, stranger) = (app.holder(0).await, app.holder(0).await);
    let path = format!("/accounts/{}", owner.account);
    assert_eq!(app.get(&path, &owner.token).await.status, 200);
    let theirs = app.get(&path, &stranger.token).await;
    let nobodys = app
        .get(&format!("/accounts/{}", Uuid::now_v7()), &stranger.token)
        .await;
    assert_eq!(
        (theirs.status.as_u16(), theirs.code()),
        (404, "account_not_found")
    );
    assert_eq!(theirs.json, nobodys.json);
    let entries = app.get(&format!("{path}/entries"), &stranger.token).await;
    assert_eq!(entries.code(), "account_not_found");
}

#[sqlx::test]
async fn every_route_refuses_callers_without_the_right_token(pool: PgPool) {
    let app = App::new(pool);
    let user = Uuid::now_v7();
    for path in ["/accounts", "/accounts/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(app.get(path, "").await.code(), "missing_token");
        assert_eq!(app.get(path, "forged").await.code(), "invalid_token");
    }
    let wrong = app.issuer.service_token("gateway", "account", "postings:write");
    for path in ["/internal/provision", "/internal/postings"] {
        for (token, code) in [
            ("", "missing_token"),
            (&wrong, "forbidden"),
            (&app.issuer.user_token(user), "invalid_token"),
        ] {
            let answer = testkit::call(
                &app.router,
                testkit::request("POST", path, token, &serde_json::json!({})),
            )
            .await;
            assert_eq!(answer.code(), code, "{path}");
        }
    }
}

#[sqlx::test]
async fn a_bad_page_is_refused(pool: PgPool) {
    let app = App::new(pool);
    let token = app.issuer.user_token(Uuid::now_v7());
    for query in ["limit=0", "limit=201", "limit=x", "page=2"] {
        assert_eq!(
            app.get(&format!("/accounts?{query}"), &token).await.code(),
            "invalid_query",
            "{query}"
        );
    }
    assert_eq!(
        app.get("/accounts?cursor=x", &token).await.code(),
        "invalid_cursor"
    );
}
