//! The mails after a movement of money, with a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has to end")]

mod support;

use sqlx::PgPool;
use support::{ALICE, BOB, Email, MADE, Mail, made};
use uuid::Uuid;

fn letters(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (&*mail.to, &*mail.subject)).collect()
}

#[sqlx::test]
async fn both_parties_get_a_mail_once_however_often_it_is_delivered(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = made(Some(ALICE), BOB);
    email.mails_after(MADE, &event).await;
    let mails = email.mails_after(MADE, &event).await;
    assert_eq!(
        letters(&mails),
        [
            ("alice@example.com", "You sent money"),
            ("bob@example.com", "You received money")
        ]
    );
    for (mail, expected) in mails
        .iter()
        .zip(["you sent 12.50 EUR to bob", "you received 12.50 EUR from alice"])
    {
        assert!(mail.text.contains(expected), "{mail:?}");
        assert!(mail.text.contains("1 January 2026, 00:00 UTC"), "{mail:?}");
    }
}

#[sqlx::test]
async fn whoever_pays_to_themselves_or_tops_up_gets_one_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mails_after(MADE, &made(Some(ALICE), ALICE)).await;
    let mails = email.mails_after(MADE, &made(None, BOB)).await;
    assert_eq!(
        letters(&mails),
        [
            ("alice@example.com", "You sent money"),
            ("bob@example.com", "Your account was topped up")
        ]
    );
}

#[sqlx::test]
async fn a_withdrawal_and_a_refund_are_told_as_what_they_are(pool: PgPool) {
    let email = Email::start(pool).await;
    let of_kind = |kind: &str, payee| {
        let mut event = made(Some(ALICE), payee);
        event["data"]["kind"] = kind.into();
        event
    };
    email.mails_after(MADE, &of_kind("withdrawal", ALICE)).await;
    let mails = email.mails_after(MADE, &of_kind("refund", BOB)).await;
    assert_eq!(
        letters(&mails),
        [
            ("alice@example.com", "You took money out"),
            ("alice@example.com", "You sent money"),
            ("bob@example.com", "You got money back")
        ]
    );
    assert!(
        mails[2].text.contains("alice gave you 12.50 EUR back"),
        "{mails:?}"
    );
}

#[sqlx::test]
async fn whoever_chose_to_go_without_gets_no_mail_and_the_other_party_does(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.without_mail(ALICE, "money_sent");
    email.others.without_mail(BOB, "topped_up");
    email.mails_after(MADE, &made(None, BOB)).await;
    let mails = email.mails_after(MADE, &made(Some(ALICE), BOB)).await;
    assert_eq!(letters(&mails), [("bob@example.com", "You received money")]);
    assert_eq!(email.noted().await, 1);
}

#[sqlx::test]
async fn who_is_gone_gets_no_mail(pool: PgPool) {
    let (email, nobody) = (Email::start(pool).await, Uuid::now_v7());
    assert!(
        email
            .mails_after(MADE, &made(Some(nobody), nobody))
            .await
            .is_empty()
    );
    let mails = email.mails_after(MADE, &made(Some(nobody), BOB)).await;
    assert_eq!(letters(&mails), [("bob@example.com", "You received money")]);
    assert!(
        mails[0].text.contains("you received 12.50 EUR from somebody"),
        "{mails:?}"
    );
}

#[sqlx::test]
async fn what_can_not_be_asked_or_sent_is_not_noted_and_the_event_comes_again(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = made(Some(ALICE), BOB);
    email.mailbox.close(true);
    assert_eq!(email.refused(MADE, &event).await, "mail_unavailable");
    email.others.away("auth");
    assert_eq!(email.refused(MADE, &event).await, "contacts_unavailable");
    email.others.away("user");
    assert_eq!(email.refused(MADE, &event).await, "preferences_unavailable");
    assert_eq!(email.noted().await, 0);
}
