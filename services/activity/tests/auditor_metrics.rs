//! What the auditor's metrics say. They belong to the whole process, so this is the only test in it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has to end")]

mod support;

use sqlx::PgPool;
use support::app;
use support::ledger::Ledger;
use testkit::deliver;
use uuid::Uuid;

#[sqlx::test]
async fn the_metrics_count_the_differences_of_each_kind(pool: PgPool) {
    let metrics = telemetry::metrics().unwrap();
    let [outside, ada, bob] = [1, 2, 3].map(Uuid::from_u128);
    let ledger = Ledger::start(2, &[outside]).await;
    let router = app(pool.clone());
    let mut auditor = ledger.auditor(&pool);
    let event = ledger.post(&[(outside, -1000), (ada, 1000)]);
    deliver(&router, "/events/transaction-made", "from-the-sidecar", &event).await;
    ledger.post(&[(outside, -10), (bob, 10)]);
    ledger.accounts.lock().unwrap().get_mut(&ada).unwrap().0 = 999;
    auditor.round().await.unwrap();
    let shown = |line: &str| {
        let text = metrics.render();
        assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
    };
    shown(r#"ledger_audit_differences{kind="balance_differs"} 1"#);
    shown(r#"ledger_audit_differences{kind="events_missing"} 0"#);
    shown(r#"ledger_audit_differences{kind="unknown_entries"} 0"#);
    shown("ledger_audit_accounts_compared 3");
    shown("ledger_audit_lag_entries 2");
    sqlx::query("UPDATE audit_findings SET first_seen_at = first_seen_at - interval '2 hours'")
        .execute(&pool)
        .await
        .unwrap();
    auditor.round().await.unwrap();
    shown(r#"ledger_audit_differences{kind="events_missing"} 2"#);
    ledger.accounts.lock().unwrap().get_mut(&ada).unwrap().0 = 1000;
    auditor.round().await.unwrap();
    shown(r#"ledger_audit_differences{kind="balance_differs"} 0"#);
}
