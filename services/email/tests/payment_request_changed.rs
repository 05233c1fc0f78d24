//! The mails about requests for money, with a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has to end")]

mod support;

use sqlx::PgPool;
use support::{ALICE, BOB, Email, Mail, REQUESTED, requested};

fn letters(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (&*mail.to, &*mail.subject)).collect()
}

#[sqlx::test]
async fn who_is_asked_gets_a_mail_once_and_who_has_asked_hears_of_the_no(pool: PgPool) {
    let email = Email::start(pool).await;
    let asked = requested("open", ALICE, BOB);
    email.mails_after(REQUESTED, &asked).await;
    email.mails_after(REQUESTED, &asked).await;
    let mails = email
        .mails_after(REQUESTED, &requested("declined", ALICE, BOB))
        .await;
    assert_eq!(
        letters(&mails),
        [
            ("bob@example.com", "You are asked for money"),
            ("alice@example.com", "Your request for money was declined")
        ]
    );
    for (mail, expected) in mails.iter().zip([
        "alice asked you for 12.50 EUR on 1 January 2026, 00:00 UTC",
        "bob declined on 1 January 2026, 00:00 UTC to pay the 12.50 EUR",
    ]) {
        assert!(mail.html.contains(expected), "{mail:?}");
    }
}

#[sqlx::test]
async fn who_goes_without_gets_none_and_of_other_states_nobody_is_told(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.without_mail(BOB, "payment_requests");
    email.mails_after(REQUESTED, &requested("open", ALICE, BOB)).await;
    let mails = email
        .mails_after(REQUESTED, &requested("of_next_year", ALICE, BOB))
        .await;
    assert!(mails.is_empty(), "{mails:?}");
    let mails = email.mails_after(REQUESTED, &requested("open", BOB, ALICE)).await;
    assert_eq!(
        letters(&mails),
        [("alice@example.com", "You are asked for money")]
    );
}
