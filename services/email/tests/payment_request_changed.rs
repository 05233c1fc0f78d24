//! The mails about requests for money, with a real PostgreSQL.

use sqlx::PgPool;

use crate::support::{ALICE, BOB, Email, Mail, REQUESTED, requested};

fn letters(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (&*mail.to, &*mail.subject)).collect()
}

#[sqlx::test]
async fn who_is_asked_gets_a_mail_once_and_who_has_asked_hears_of_the_no_or_of_the_end(pool: PgPool) {
    let email = Email::start(pool).await;
    let asked = requested("open", ALICE, BOB);
    email.mails_after(REQUESTED, &asked).await;
    email.mails_after(REQUESTED, &asked).await;
    email
        .mails_after(REQUESTED, &requested("declined", ALICE, BOB))
        .await;
    let mails = email
        .mails_after(REQUESTED, &requested("expired", ALICE, BOB))
        .await;
    assert_eq!(
        letters(&mails),
        [
            ("bob@example.com", "You are asked for money"),
            ("alice@example.com", "Your request for money was declined"),
            ("alice@example.com", "Your request for money has expired"),
        ]
    );
    for (mail, expected) in mails.iter().zip([
        "alice asked you for 12.50 EUR on 1 January 2026, 00:00 UTC",
        "bob declined on 1 January 2026, 00:00 UTC to pay the 12.50 EUR",
        "bob did not pay the 12.50 EUR that you asked for until 15 January 2026, 00:00 UTC",
    ]) {
        assert!(mail.html.contains(expected), "{mail:?}");
    }
}

#[sqlx::test]
async fn who_goes_without_gets_none_and_of_other_states_nobody_is_told(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.without_mail(BOB, "payment_requests");
    email.mails_after(REQUESTED, &requested("open", ALICE, BOB)).await;
    email.others.without_mail(ALICE, "payment_requests");
    for state in ["of_next_year", "cancelled", "expired"] {
        email.mails_after(REQUESTED, &requested(state, ALICE, BOB)).await;
    }
    let mails = email.mailbox.mails();
    assert!(mails.is_empty(), "{mails:?}");
}
