//! The audit log and its chain, with a real PostgreSQL.

use activity::sealer::Sealer;
use activity::verify::{Part, Report, verify};
use axum::Router;
use serde_json::{Value, json};
use sqlx::{Executor, PgPool};
use testkit::deliver;
use uuid::Uuid;

use crate::support::{app, get_as_operator};

async fn log_in(router: &Router, user_id: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let event = json!({
        "specversion": "1.0", "id": id, "type": "payme.user.logged_in.v1", "source": "auth", "subject": user_id,
        "time": "2026-01-01T00:00:00Z",
        "data": { "user_id": user_id, "session_id": Uuid::now_v7(), "first_login": false },
    });
    let answer = deliver(router, "/events/user-logged-in", "from-the-sidecar", &event).await;
    assert_eq!(answer.status, 200);
    id
}

/// Until everything is sealed. Other tests' transactions at the same server may hold it up.
async fn seal(pool: &PgPool) {
    let sealer = Sealer::new(pool.clone());
    for _ in 0..2_000 {
        sealer.round().await.unwrap();
        let left: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit_log WHERE seq > coalesce((SELECT max(last_seq) FROM audit_seals), 0)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if left == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the log was not sealed");
}

async fn checked(pool: &PgPool) -> Report {
    verify(pool, Part::default()).await.unwrap().unwrap()
}

/// As the owner of the database, who can get around any trigger.
async fn tamper(pool: &PgPool, table: &str, change: &str) {
    let sql = format!(
        "ALTER TABLE {table} DISABLE TRIGGER USER; {change}; ALTER TABLE {table} ENABLE TRIGGER USER"
    );
    pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
}

#[sqlx::test]
async fn a_line_that_was_changed_removed_or_added_is_named(pool: PgPool) {
    let (router, ada) = (app(pool.clone()), Uuid::now_v7());
    log_in(&router, ada).await;
    let second = log_in(&router, ada).await;
    seal(&pool).await;
    log_in(&router, ada).await;
    seal(&pool).await;
    let report = checked(&pool).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.seals, report.head.number), (2, 2));

    let was = sqlx::query_scalar::<_, Value>("SELECT data FROM audit_log WHERE seq = 2")
        .fetch_one(&pool)
        .await
        .unwrap();
    tamper(
        &pool,
        "audit_log",
        "UPDATE audit_log SET data = '{}' WHERE seq = 2",
    )
    .await;
    let difference = checked(&pool).await.difference.unwrap();
    assert_eq!(difference.place, format!("line 2 (event {second}) in seal 1"));
    assert_eq!(difference.found, "it was changed");
    tamper(
        &pool,
        "audit_log",
        &format!("UPDATE audit_log SET data = '{was}' WHERE seq = 2"),
    )
    .await;
    assert!(checked(&pool).await.is_sound());

    tamper(&pool, "audit_log", "DELETE FROM audit_log WHERE seq = 1").await;
    let difference = checked(&pool).await.difference.unwrap();
    assert_eq!(
        (difference.place.as_str(), difference.found.as_str()),
        ("line 1 in seal 1", "it is gone")
    );
    tamper(
        &pool,
        "audit_log",
        "INSERT INTO audit_log (seq, event_id, kind, subject, data, occurred_at, received_at)
         OVERRIDING SYSTEM VALUE VALUES (0, gen_random_uuid(), 'k', 's', '{}', now(), now())",
    )
    .await;
    let difference = checked(&pool).await.difference.unwrap();
    assert!(difference.place.starts_with("line 0 ("), "{difference:?}");
    assert_eq!(difference.found, "it was added later");
}

#[sqlx::test]
async fn a_chain_that_was_cut_off_or_written_anew_does_not_have_a_head_that_was_kept(pool: PgPool) {
    let (router, ada) = (app(pool.clone()), Uuid::now_v7());
    for _ in 0..2 {
        log_in(&router, ada).await;
        seal(&pool).await;
    }
    let head = checked(&pool).await.head;
    let with_head = Part {
        kept: Some(head),
        ..Part::default()
    };
    assert!(verify(&pool, with_head).await.unwrap().unwrap().is_sound());
    tamper(&pool, "audit_seals", "DELETE FROM audit_seals WHERE number = 2").await;
    assert!(checked(&pool).await.is_sound(), "what is left is a chain");
    let report = verify(&pool, with_head).await.unwrap().unwrap();
    assert_eq!(report.difference.unwrap().place, "seal 2");
    tamper(&pool, "audit_seals", "UPDATE audit_seals SET number = 2").await;
    assert_eq!(checked(&pool).await.difference.unwrap().place, "seal 1");
    tamper(
        &pool,
        "audit_seals",
        "UPDATE audit_seals SET number = 1, hash = sha256('x')",
    )
    .await;
    assert_eq!(checked(&pool).await.difference.unwrap().place, "seal 1");
}

#[sqlx::test]
async fn a_line_whose_transaction_is_late_is_sealed_in_its_place(pool: PgPool) {
    let insert = "INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at)
                  VALUES (gen_random_uuid(), 'k', 's', '{}', now(), now())";
    let mut late = pool.begin().await.unwrap();
    late.execute(insert).await.unwrap();
    pool.execute(insert).await.unwrap();
    let sealer = Sealer::new(pool.clone());
    for _ in 0..3 {
        sealer.round().await.unwrap();
    }
    assert_eq!(checked(&pool).await.seals, 0, "line 1 may still come");
    late.commit().await.unwrap();
    seal(&pool).await;
    let report = checked(&pool).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.unsealed, Some(0));
}

#[sqlx::test]
async fn operators_read_and_verify_the_log(pool: PgPool) {
    let (router, ada) = (app(pool.clone()), Uuid::now_v7());
    let ids = [
        log_in(&router, ada).await,
        log_in(&router, ada).await,
        log_in(&router, Uuid::now_v7()).await,
    ];
    let get = async |query: &str| {
        get_as_operator(&router, &format!("/admin/audit/log{query}"))
            .await
            .json
    };
    let found = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["event_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(&get("").await),
        [json!(ids[2]), json!(ids[1]), json!(ids[0])]
    );
    let first = get("?limit=2").await;
    assert_eq!(first["items"][1]["actor_user_id"], json!(ada));
    let second = get(&format!(
        "?limit=2&cursor={}",
        first["next_cursor"].as_str().unwrap()
    ))
    .await;
    assert_eq!(found(&second), [json!(ids[0])]);
    let back = get(&format!(
        "?limit=2&cursor={}",
        second["previous_cursor"].as_str().unwrap()
    ))
    .await;
    assert_eq!(found(&back), [json!(ids[2]), json!(ids[1])]);
    for filter in [format!("subject={ada}"), format!("user_id={ada}")] {
        assert_eq!(
            found(&get(&format!("?{filter}&kind=payme.user.logged_in.v1")).await).len(),
            2,
            "{filter}"
        );
    }
    for none in [
        "kind=other",
        "from=2999-01-01T00:00:00Z",
        "before=2020-01-01T00:00:00Z",
    ] {
        assert_eq!(found(&get(&format!("?{none}")).await).len(), 0, "{none}");
    }
    seal(&pool).await;
    let verified = get("/verification").await;
    assert_eq!(
        (&verified["sound"], &verified["complete"], &verified["unsealed"]),
        (&json!(true), &json!(true), &json!(0))
    );
    let head = verified["head"].as_str().unwrap();
    let again = get(&format!("/verification?after={head}")).await;
    assert_eq!((&again["sound"], &again["seals"]), (&json!(true), &json!(0)));
    let forged = get(&format!("/verification?after=1:{}", "0".repeat(64))).await;
    assert_eq!(forged["difference"]["place"], "seal 1");
    assert_eq!(get("/verification?after=x").await["code"], "invalid_query");
}
