//! The mail about a month's statement, with a real PostgreSQL.

use sqlx::PgPool;

use crate::support::{ALICE, BOB, Email, READY, ready};

#[sqlx::test]
async fn a_statement_is_mailed_to_its_owner_once_with_both_balances_and_the_way_to_it(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = ready(ALICE, "2026-03");
    email.mails_after(READY, &event).await;
    let mails = email.mails_after(READY, &event).await;
    let [mail] = &mails[..] else {
        panic!("{mails:?}");
    };
    assert_eq!(
        (&*mail.to, &*mail.subject),
        ("alice@example.com", "Your monthly statement")
    );
    let way = "http://pay.example/accounts/00000000-0000-0000-0000-000000000007/statement?month=2026-03";
    for expected in [
        "for March 2026 is ready",
        "-2.50 EUR when the month began",
        "12.50 EUR when it ended",
        way,
    ] {
        assert!(
            mail.text.contains(expected) && mail.html.contains(expected),
            "{expected}: {mail:?}"
        );
    }
}

#[sqlx::test]
async fn it_is_written_in_german_too(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.language("de");
    let mails = email.mails_after(READY, &ready(BOB, "2026-03")).await;
    assert_eq!(mails[0].subject, "Dein monatlicher Kontoauszug");
    let expected = "für März 2026 ist da: Zu Beginn des Monats hattest du -2,50 €, am Ende 12,50 €.";
    assert!(mails[0].text.contains(expected), "{mails:?}");
}

#[sqlx::test]
async fn who_goes_without_gets_none(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.without_mail(BOB, "statement");
    let mails = email.mails_after(READY, &ready(BOB, "2026-03")).await;
    assert!(mails.is_empty(), "{mails:?}");
    assert_eq!(email.in_state("unwanted").await.len(), 1);
}

#[sqlx::test]
async fn a_statement_of_what_is_no_month_is_a_dead_letter(pool: PgPool) {
    let email = Email::start(pool).await;
    for month in ["2026-13", "2026", "2026-03-01", "March"] {
        email.queued_by(READY, &ready(ALICE, month)).await;
    }
    let reasons: Vec<String> = sqlx::query_scalar("SELECT reason FROM dead_letters")
        .fetch_all(&email.pool)
        .await
        .unwrap();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
}
