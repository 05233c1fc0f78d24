//! What operators see of mails, and who else may not.

use sqlx::PgPool;
use testkit::guards::Walk;
use uuid::Uuid;

use crate::support::{BOB, Email, MADE, made};

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    let email = Email::start(pool).await;
    Walk {
        router: &email.router,
        issuer: &email.issuer,
        app_id: email::APP_ID,
        openapi: &email::openapi().unwrap(),
        public: &[],
        owned: &[],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn failed_mails_are_listed_by_default_page_by_page_newest_first(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mailbox.refuse("550 no");
    for _ in 0..3 {
        email.mails_after(MADE, &made(None, BOB)).await;
    }
    assert_eq!(
        email.admin("GET", "/admin/mails").await.json["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let first = email
        .admin("GET", "/admin/mails?state=bounced&limit=2")
        .await
        .json;
    let next = first["next_cursor"].as_str().unwrap();
    let second = email
        .admin(
            "GET",
            &format!("/admin/mails?state=bounced&limit=2&cursor={next}"),
        )
        .await
        .json;
    let ids = |page: &serde_json::Value| -> Vec<Uuid> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|mail| mail["id"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    let all = [ids(&first), ids(&second)].concat();
    assert_eq!(all.len(), 3);
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
}

#[sqlx::test]
async fn what_is_no_mail_or_no_state_is_refused(pool: PgPool) {
    let email = Email::start(pool).await;
    let retry = format!("/admin/mails/{}/retry", Uuid::now_v7());
    assert_eq!(email.admin("POST", &retry).await.code(), "mail_not_found");
    assert_eq!(
        email.admin("GET", "/admin/mails?state=lost").await.code(),
        "invalid_query"
    );
    assert_eq!(
        email.admin("GET", "/admin/mails?cursor=x").await.code(),
        "invalid_cursor"
    );
}
