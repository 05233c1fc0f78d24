//! What becomes of mails that can't be sent at once, with a real PostgreSQL.

use std::time::Duration;

use email::Next;
use serde_json::json;
use server::Background;
use sqlx::PgPool;

use crate::support::{ALERT, ALICE, BOB, Email, MADE, REGISTERED, alert, made, registered};

const LIMIT: Duration = Duration::from_secs(10);
const REFUSED_CONNECTION: &str = "dial tcp 127.0.0.1:2525: connect: connection refused";

#[sqlx::test]
async fn no_mail_is_lost_while_the_smtp_server_is_down_and_none_loses_an_attempt(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mailbox.refuse(REFUSED_CONNECTION);
    email.queued_by(REGISTERED, &registered(ALICE)).await;
    email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    email
        .queued_by(ALERT, &alert("password_changed", Some(BOB)))
        .await;
    for _ in 0..30 {
        assert_eq!(email.work().await, Next::Pause);
        email.pass("1 hour").await;
    }
    let waiting = email.in_state("queued").await;
    assert_eq!(waiting.len(), 4);
    assert!(waiting.iter().all(|mail| mail["attempts"] == 0), "{waiting:?}");

    email.mailbox.take_all();
    assert_eq!(email.work().await, Next::Rest);
    assert_eq!(email.mailbox.mails().len(), 4);
    assert_eq!(email.in_state("sent").await.len(), 4);
}

#[sqlx::test]
async fn a_mail_that_bounces_is_not_sent_again_until_an_operator_says_so(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mailbox.refuse("550 5.1.1 <bob@example.com>: no such user");
    email
        .queued_by(ALERT, &alert("password_changed", Some(BOB)))
        .await;
    assert_eq!(email.work().await, Next::Rest);
    email.mailbox.take_all();
    email.pass("2 hours").await;
    assert_eq!(email.work().await, Next::Rest);
    assert!(email.mailbox.mails().is_empty());

    let bounced = email.in_state("bounced").await.remove(0);
    assert_eq!(bounced["last_error"], "smtp_550");
    assert!(!bounced.to_string().contains("example.com"), "{bounced}");
    let retry = format!("/admin/mails/{}/retry", bounced["id"].as_str().unwrap());
    for _ in 0..2 {
        let answer = email.admin("POST", &retry).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["state"]),
            (200, &json!("queued"))
        );
    }
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 1);
    assert_eq!(email.admin("POST", &retry).await.code(), "mail_not_retryable");
}

#[sqlx::test]
async fn a_mail_that_is_refused_for_now_is_sent_later_and_given_up_after_a_day(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mailbox.refuse("450 4.2.1 the mailbox is busy");
    email
        .queued_by(ALERT, &alert("password_changed", Some(BOB)))
        .await;
    assert_eq!(email.work().await, Next::Rest);
    let waiting = email.in_state("queued").await.remove(0);
    assert_eq!(
        (&waiting["attempts"], &waiting["last_error"]),
        (&json!(1), &json!("smtp_450"))
    );

    email.mailbox.take_all();
    assert_eq!(email.work().await, Next::Rest, "it is too early");
    assert!(email.mailbox.mails().is_empty());
    email.pass("31 seconds").await;
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 1);

    email.mailbox.refuse("450 4.2.1 the mailbox is busy");
    email
        .queued_by(ALERT, &alert("password_changed", Some(ALICE)))
        .await;
    for _ in 0..25 {
        assert_eq!(email.work().await, Next::Rest);
        email.pass("1 hour").await;
    }
    let failed = email.in_state("failed").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["last_error"], "smtp_450");
}

#[sqlx::test]
async fn a_refusal_of_one_mail_holds_no_other_up(pool: PgPool) {
    let email = Email::start(pool).await;
    email.queued_by(MADE, &made(None, BOB)).await;
    email.mailbox.refuse("450 4.2.1 the mailbox is busy");
    email.work().await;
    email.mailbox.take_all();
    assert_eq!(email.mails_after(MADE, &made(None, ALICE)).await.len(), 1);
    assert_eq!(email.in_state("queued").await.len(), 1);
}

#[sqlx::test]
async fn a_mail_whose_worker_died_while_sending_is_sent_when_the_lease_ends(pool: PgPool) {
    let email = Email::start(pool).await;
    email.queued_by(MADE, &made(None, BOB)).await;
    sqlx::query(
        "UPDATE mails SET lease = gen_random_uuid(), sending_at = now(), next_attempt_at = now() + interval '2 minutes'",
    )
    .execute(&email.pool)
    .await
    .unwrap();
    assert_eq!(email.work().await, Next::Rest, "another worker has it");
    assert!(email.mailbox.mails().is_empty());
    email.pass("2 minutes").await;
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 1);
}

#[sqlx::test]
async fn a_kind_of_a_newer_version_is_left_to_a_replica_that_knows_it(pool: PgPool) {
    let email = Email::start(pool).await;
    email.queued_by(MADE, &made(None, BOB)).await;
    let kind = email.in_state("queued").await[0]["kind"].clone();
    let is_of_kind = async |kind: &str| {
        let renamed = sqlx::query("UPDATE mails SET kind = $1").bind(kind);
        renamed.execute(&email.pool).await.unwrap();
    };
    is_of_kind("of_tomorrow").await;
    email.work().await;
    let queued = email.in_state("queued").await;
    assert_eq!(queued[0]["last_error"], "template", "{queued:?}");
    is_of_kind(kind.as_str().unwrap()).await;
    email.pass("1 minute").await;
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 1);
}

#[sqlx::test]
async fn workers_that_run_at_the_same_time_send_each_mail_once(pool: PgPool) {
    let email = Email::start(pool).await;
    for _ in 0..60 {
        email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    }
    tokio::join!(email.work(), email.work(), email.work());
    assert_eq!(email.mailbox.mails().len(), 120);
    assert_eq!(email.in_state("queued").await.len(), 0);
}

#[sqlx::test]
async fn an_event_that_comes_again_later_queues_nothing(pool: PgPool) {
    let email = Email::start(pool).await;
    let event = made(Some(ALICE), BOB);
    email.mailbox.refuse(REFUSED_CONNECTION);
    email.queued_by(MADE, &event).await;
    email.work().await;
    email.queued_by(MADE, &event).await;
    assert_eq!(email.in_state("queued").await.len(), 2);
}

#[sqlx::test]
async fn mails_wait_for_auth_and_those_that_can_be_turned_off_for_user(pool: PgPool) {
    let email = Email::start(pool).await;
    email.others.away("auth");
    email.queued_by(MADE, &made(None, BOB)).await;
    email
        .queued_by(ALERT, &alert("password_changed", Some(BOB)))
        .await;
    assert_eq!(email.work().await, Next::Pause);
    assert!(email.mailbox.mails().is_empty());

    email.others.back();
    email.others.away("user");
    assert_eq!(email.work().await, Next::Pause);
    let subjects: Vec<_> = email
        .mailbox
        .mails()
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(subjects, ["Your password was changed"]);

    email.others.back();
    email.work().await;
    assert_eq!(email.mailbox.mails().len(), 2);
}

#[sqlx::test]
async fn who_was_erased_before_the_mail_gets_none(pool: PgPool) {
    let email = Email::start(pool).await;
    email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    email.others.erased(BOB);
    email.work().await;
    let mails = email.mailbox.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("to somebody"), "{mails:?}");
    assert_eq!(email.in_state("unwanted").await[0]["last_error"], "user_gone");
}

#[sqlx::test]
async fn the_queue_keeps_no_name_no_address_and_no_token(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mailbox.refuse("450 4.2.1 <alice@example.com> is busy");
    email.queued_by(REGISTERED, &registered(ALICE)).await;
    email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    email.work().await;
    let rows: Vec<String> = sqlx::query_scalar("SELECT to_jsonb(mails)::text FROM mails")
        .fetch_all(&email.pool)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    for secret in ["alice", "bob", "example.com", "good-for-a-day"] {
        assert!(
            !rows.iter().any(|row| row.contains(secret)),
            "{secret} in {rows:?}"
        );
    }
}

#[sqlx::test]
async fn finished_mails_are_forgotten_after_30_days_and_waiting_ones_are_not(pool: PgPool) {
    let email = Email::start(pool).await;
    email.mails_after(MADE, &made(None, BOB)).await;
    email.pass("31 days").await;
    email.mails_after(MADE, &made(None, ALICE)).await;
    email.mailbox.refuse(REFUSED_CONNECTION);
    email.queued_by(MADE, &made(None, BOB)).await;
    email.work().await;
    email::forget_old(email.pool.clone()).await.unwrap();
    assert_eq!(email.in_state("sent").await.len(), 1);
    assert_eq!(email.in_state("queued").await.len(), 1);
}

#[sqlx::test]
async fn the_service_sends_by_itself_what_events_queue_and_what_waited(pool: PgPool) {
    let email = Email::start(pool).await;
    email.queued_by(MADE, &made(None, BOB)).await;
    email.work_on(&Background::default());
    email.queued_by(MADE, &made(Some(ALICE), BOB)).await;
    let sent = async {
        while email.mailbox.mails().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, sent).await.unwrap();
}
