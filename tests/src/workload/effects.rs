//! What consumers have made of the events, and what the system has yet to do.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::books::Books;
use super::record::Record;
use super::world::World;
use crate::within;

/// Longer than a redelivery after the longest processing that the broker grants.
const REST: Duration = Duration::from_mins(2);

/// Waits until nothing is under way, and says what is if it does not end.
pub async fn rest(books: &Books, world: &World, record: &Record) {
    let at_rest = within(REST, "everything comes to rest", || async {
        let waiting = waiting(books, world).await.ok()?;
        waiting.is_empty().then_some(())
    });
    if let Err(error) = at_rest.await {
        let waiting = match waiting(books, world).await {
            Ok(waiting) => waiting.into_iter().take(5).collect::<Vec<_>>().join("; "),
            Err(error) => error.to_string(),
        };
        record.anomaly("everything comes to rest", format!("{error}: {waiting}"));
    }
}

async fn waiting(books: &Books, world: &World) -> sqlx::Result<Vec<String>> {
    let mut waiting: Vec<String> = sqlx::query_scalar(
        "select 'pending: ' || id from transactions where state = 'pending'
         union all select 'unpublished: ' || id from outbox
         union all select 'not expired: ' || transaction_id from open_holds where expires_at < now() + interval '1 minute'",
    )
    .fetch_all(&books.transaction)
    .await?;
    let unsealed = sqlx::query_scalar("select 'unsealed: ' || number from unsealed");
    waiting.extend(unsealed.fetch_all(&books.account).await?);
    waiting.extend(differences(books, world).await?);
    Ok(waiting)
}

/// Where a consumer has another number of effects than the transactions of the run have parties.
pub async fn differences(books: &Books, world: &World) -> sqlx::Result<Vec<String>> {
    let parties = counts(
        &books.transaction,
        "select id, case when kind in ('top_up', 'withdrawal') then 1::bigint
                         when coalesce(payer_user_id, initiator_user_id) = to_user_id then 1 else 2 end
         from transactions
         where state = 'completed' and kind not in ('hold', 'void', 'expiry') and initiator_user_id = any($1)",
        &world.user_ids(),
    )
    .await?;
    let ids: Vec<Uuid> = parties.keys().copied().collect();
    let once = parties.keys().map(|id| (*id, 1)).collect();
    let logged = "select event_id, count(*) from audit_log where event_id = any($1) group by event_id";
    let fed = "select event_id, count(*) from feed where event_id = any($1) group by event_id";
    let mailed = "select event_id, count(*) from mails where event_id = any($1) group by event_id";
    let mut found = Vec::new();
    for (what, pool, statement, expected) in [
        ("lines of the log", &books.activity, logged, &once),
        ("lines of feeds", &books.activity, fed, &parties),
        ("mails", &books.email, mailed, &parties),
    ] {
        let actual = counts(pool, statement, &ids).await?;
        found.extend(expected.iter().filter_map(|(id, expected)| {
            let actual = actual.get(id).copied().unwrap_or_default();
            (actual != *expected).then(|| format!("{id} has {actual} {what}, not {expected}"))
        }));
    }
    found.extend(audited(books, world).await?);
    Ok(found)
}

/// Where the balances that the auditor makes of events alone are not those of the ledger.
async fn audited(books: &Books, world: &World) -> sqlx::Result<Vec<String>> {
    let ids = world.account_ids();
    let balances = counts(
        &books.account,
        "select id, balance_minor from accounts where id = any($1)",
        &ids,
    )
    .await?;
    let audited = counts(
        &books.activity,
        "select account_id, sum(amount)::bigint from (
             select account_id, balance_minor as amount from audited_accounts
             union all select account_id, amount_minor from audit_entries
         ) told where account_id = any($1) group by account_id",
        &ids,
    )
    .await?;
    let differ = balances.into_iter().filter_map(|(id, balance)| {
        let audited = audited.get(&id).copied().unwrap_or_default();
        (audited != balance).then(|| format!("{id} has {balance}, by its events {audited}"))
    });
    Ok(differ.collect())
}

async fn counts(pool: &PgPool, statement: &'static str, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, i64>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(statement).bind(ids).fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}
