//! The mail after a registration, with a real PostgreSQL.

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{ALICE, Email, REGISTERED, registered};

#[sqlx::test]
async fn a_new_user_gets_the_token_that_verifies_the_address(pool: PgPool) {
    let email = Email::start(pool).await;
    let mails = email.mails_after(REGISTERED, &registered(ALICE)).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (&*mails[0].to, &*mails[0].subject),
        ("alice@example.com", "Please verify your email address")
    );
    for expected in [
        "Hello alice",
        "good-for-a-day",
        "http://pay.example/auth/verify-email",
    ] {
        assert!(mails[0].html.contains(expected), "{expected} in {mails:?}");
    }
}

#[sqlx::test]
async fn the_owner_of_an_address_learns_that_somebody_else_registered_with_it(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.taken_by("the-owner");
    let mails = email.mails_after(REGISTERED, &registered(ALICE)).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Somebody tried to register with your address");
    assert!(mails[0].html.contains("Hello the-owner"), "{mails:?}");
    // The stranger's choice of a name is none of the owner's business, and there is no token to give away.
    for unexpected in ["alice", "good-for-a-day"] {
        assert!(!mails[0].html.contains(unexpected), "{unexpected} in {mails:?}");
    }
}

#[sqlx::test]
async fn a_second_delivery_sends_nothing_and_asks_for_no_other_token(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = registered(ALICE);
    email.mails_after(REGISTERED, &event).await;
    assert_eq!(email.mails_after(REGISTERED, &event).await.len(), 1);
    let asked = email.others.asked();
    let tokens = asked.iter().filter(|path| path.ends_with("email-verifications"));
    assert_eq!(tokens.count(), 1, "{asked:?}");
}

#[sqlx::test]
async fn who_is_gone_gets_no_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    let mails = email.mails_after(REGISTERED, &registered(Uuid::now_v7())).await;
    assert!(mails.is_empty(), "{mails:?}");
    assert_eq!(email.in_state("unwanted").await[0]["last_error"], "user_gone");
}
