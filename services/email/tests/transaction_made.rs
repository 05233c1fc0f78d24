//! The mails after a movement of money, with a real PostgreSQL.

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{ALICE, BOB, Email, MADE, Mail, made};

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
        assert!(mail.html.contains(expected), "{mail:?}");
        assert!(mail.html.contains("1 January 2026, 00:00 UTC"), "{mail:?}");
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
        mails[2].html.contains("alice gave you 12.50 EUR back"),
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
    assert_eq!(email.in_state("unwanted").await.len(), 2);
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
        mails[0].html.contains("you received 12.50 EUR from somebody"),
        "{mails:?}"
    );
}

#[sqlx::test]
async fn a_mail_is_in_the_users_language_and_says_the_same_as_text_and_html(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.language("de-AT");
    let mails = email.mails_after(MADE, &made(Some(ALICE), BOB)).await;
    assert_eq!(
        letters(&mails),
        [
            ("alice@example.com", "Du hast Geld gesendet"),
            ("bob@example.com", "Du hast Geld erhalten")
        ]
    );
    let told = "du hast am 01.01.2026, 00:00 UTC 12,50 € an bob gesendet";
    assert!(
        mails[0].text.contains(told) && mails[0].html.contains(told),
        "{mails:?}"
    );
    assert!(mails[0].html.contains(r#"<html lang="de">"#), "{mails:?}");
}

#[sqlx::test]
async fn the_mails_of_many_events_are_asked_about_at_once(pool: PgPool) {
    let email = Email::start(pool).await;
    for _ in 0..25 {
        email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    }
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 50);
    let mut asked = email.others.asked();
    asked.sort();
    assert_eq!(asked, ["auth /internal/contacts", "user /internal/preferences"]);
}
