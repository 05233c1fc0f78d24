//! The mails after an alert, with a real PostgreSQL.

use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{ALERT, ALICE, BOB, Email, alert};

const TELLING: [(&str, &str); 6] = [
    ("account_locked", "Your account is locked for a while"),
    ("password_changed", "Your password was changed"),
    ("second_factor_changed", "Your second factor was changed"),
    ("recovery_code_used", "A recovery code was used"),
    ("second_factor_failed", "Somebody knows your password"),
    ("refresh_token_reused", "We ended a session to protect you"),
];

#[sqlx::test]
async fn the_owner_is_told_of_what_happened_to_the_account_and_can_not_choose_otherwise(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.away("user");
    for (number, (kind, subject)) in TELLING.into_iter().enumerate() {
        let mails = email.mails_after(ALERT, &alert(kind, Some(BOB))).await;
        assert_eq!(mails.len(), number + 1, "{kind}");
        let mail = &mails[number];
        assert_eq!((&*mail.to, &*mail.subject), ("bob@example.com", subject));
        assert!(mail.html.contains("Hello bob"), "{mail:?}");
    }
}

#[sqlx::test]
async fn a_login_from_a_new_device_names_the_device_and_says_what_to_do(pool: PgPool) {
    let email = Email::start(pool).await;
    let mut event = alert("new_device_login", Some(ALICE));
    event["data"]["device"] = json!("Firefox on <Linux>");
    let mails = email.mails_after(ALERT, &event).await;
    assert_eq!(mails.len(), 1);
    for expected in [
        "Firefox on &lt;Linux&gt;",
        "1 January 2026, 00:00 UTC",
        "change your password at http://pay.example/auth/password",
        "end that session alone at http://pay.example/auth/sessions",
    ] {
        assert!(
            mails[0].html.replace('\n', " ").contains(expected),
            "{expected} in {mails:?}"
        );
    }
}

#[sqlx::test]
async fn whoever_chose_to_go_without_hears_of_no_new_device(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.without_mail(ALICE, "new_device_login");
    let mails = email
        .mails_after(ALERT, &alert("new_device_login", Some(ALICE)))
        .await;
    assert!(mails.is_empty(), "{mails:?}");
    assert_eq!(email.in_state("unwanted").await[0]["last_error"], json!(null));
}

#[sqlx::test]
async fn a_lock_is_told_with_its_end(pool: PgPool) {
    let email = Email::start(pool).await;
    let mut event = alert("account_locked", Some(ALICE));
    event["data"]["locked_until"] = json!("2026-01-01T00:08:00Z");
    let mails = email.mails_after(ALERT, &event).await;
    assert!(
        mails[0].html.contains("until 1 January 2026, 00:08 UTC"),
        "{mails:?}"
    );
}

#[sqlx::test]
async fn a_reset_that_was_asked_for_is_mailed_with_its_token_once(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = alert("password_reset_requested", Some(ALICE));
    email.mails_after(ALERT, &event).await;
    let mails = email.mails_after(ALERT, &event).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (&*mails[0].to, &*mails[0].subject),
        ("alice@example.com", "Set a new password")
    );
    for expected in [
        "good-for-minutes",
        "http://pay.example/auth/password-resets/confirm",
        "30 minutes, and for one use",
    ] {
        assert!(mails[0].html.contains(expected), "{expected} in {mails:?}");
    }
    let asked = email.others.asked();
    let tokens = asked.iter().filter(|path| path.ends_with("password-resets"));
    assert_eq!(tokens.count(), 1, "{asked:?}");
}

#[sqlx::test]
async fn nobody_sets_a_password_through_an_address_that_is_not_verified_or_gone(pool: PgPool) {
    let email = Email::start(pool).await;
    for user_id in [BOB, Uuid::now_v7()] {
        let event = alert("password_reset_requested", Some(user_id));
        assert!(email.mails_after(ALERT, &event).await.is_empty());
    }
    assert_eq!(email.in_state("unwanted").await.len(), 2);
}

#[sqlx::test]
async fn an_alert_without_a_user_and_those_for_operators_bring_no_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    let mut events = vec![
        alert("credential_stuffing", None),
        alert("password_reset_requested", None),
        alert("new_device_login", None),
    ];
    for kind in ["user_id_mismatch", "csrf_rejected", "a_kind_of_next_year"] {
        events.push(alert(kind, Some(ALICE)));
    }
    for event in events {
        assert!(email.mails_after(ALERT, &event).await.is_empty(), "{event}");
    }
    assert_eq!(email.others.asked(), [""; 0]);
}

#[sqlx::test]
async fn a_second_delivery_sends_nothing(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = alert("new_device_login", Some(ALICE));
    let (first, second) = tokio::join!(email.deliver(ALERT, &event), email.deliver(ALERT, &event));
    for answer in [first, second] {
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
    }
    assert_eq!(email.mails_after(ALERT, &event).await.len(), 1);
}

#[sqlx::test]
async fn who_is_gone_gets_no_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = alert("password_changed", Some(Uuid::now_v7()));
    assert!(email.mails_after(ALERT, &event).await.is_empty());
    assert_eq!(email.in_state("unwanted").await[0]["last_error"], "user_gone");
}
