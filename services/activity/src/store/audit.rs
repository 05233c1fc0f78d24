//! What the auditor keeps. Every function takes a connection; the caller owns the transaction.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::domain::audit::{Account, Balance, Finding, Kind};

/// What one replica does at a time. Any numbers, the same in all replicas.
#[derive(Clone, Copy)]
pub enum Turn {
    Fold = 0x666F_6C64,
    Compare = 0x6175_6469,
    Seal = 0x7365_616C,
    Verify = 0x7665_7269,
}

/// The last pass over all accounts that is done.
pub struct Pass {
    pub finished_at: DateTime<Utc>,
    pub accounts_compared: i64,
}

/// How many accounts there are with a finding of a kind, and how many entries are between their two sides.
pub struct Count {
    pub kind: String,
    pub accounts: i64,
    pub entries: i64,
}

/// Whether it is this replica's turn until the end of the transaction.
pub async fn take_turn(conn: &mut PgConnection, turn: Turn) -> sqlx::Result<bool> {
    query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "ours!""#, turn as i64)
        .fetch_one(conn)
        .await
}

/// Adds the oldest entries, at most `limit`, to the sums, and says how many they were.
pub async fn fold(conn: &mut PgConnection, limit: i64) -> sqlx::Result<i64> {
    query_scalar!(
        r#"WITH taken AS (
               DELETE FROM audit_entries WHERE seq IN (SELECT seq FROM audit_entries ORDER BY seq LIMIT $1)
               RETURNING account_id, amount_minor
           ), folded AS (
               INSERT INTO audited_accounts AS known (account_id, balance_minor, entries)
               SELECT account_id, sum(amount_minor), count(*) FROM taken GROUP BY account_id
               ON CONFLICT (account_id) DO UPDATE SET balance_minor = known.balance_minor + excluded.balance_minor,
                                                      entries = known.entries + excluded.entries
           )
           SELECT count(*) AS "count!" FROM taken"#,
        limit
    )
    .fetch_one(conn)
    .await
}

/// The sums of at most `limit` accounts after the account `after`, in the order of their ids. A sum that the ledger can't
/// have is given as the nearest that it can.
pub async fn audited(conn: &mut PgConnection, after: Uuid, limit: i64) -> sqlx::Result<Vec<(Uuid, Balance)>> {
    let rows = query!(
        r#"SELECT account_id, entries,
                  least(greatest(balance_minor, -9223372036854775808), 9223372036854775807)::bigint AS "balance_minor!"
             FROM audited_accounts WHERE account_id > $1 ORDER BY account_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let accounts = rows.into_iter().map(|row| {
        let balance = Balance {
            balance_minor: row.balance_minor,
            entries: row.entries,
        };
        (row.account_id, balance)
    });
    Ok(accounts.collect())
}

/// Whether the events name all accounts. Old ones do not say through which account money came from outside.
pub async fn names_all_accounts(conn: &mut PgConnection) -> sqlx::Result<bool> {
    query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM audited_accounts WHERE account_id = $1) AS "all!""#,
        Uuid::nil()
    )
    .fetch_one(conn)
    .await
}

/// What is known of the accounts after `after`, up to `end`.
pub async fn findings(conn: &mut PgConnection, after: Uuid, end: Option<Uuid>) -> sqlx::Result<Vec<Finding>> {
    let rows = query_as!(
        Row,
        "SELECT * FROM audit_findings WHERE account_id > $1 AND ($2::uuid IS NULL OR account_id <= $2)",
        after,
        end
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Finding::try_from).collect()
}

/// The oldest differences.
pub async fn differences(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Finding>> {
    let rows = query_as!(
        Row,
        "SELECT * FROM audit_findings WHERE kind <> 'behind' ORDER BY first_seen_at, account_id LIMIT $1",
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Finding::try_from).collect()
}

pub async fn count_findings(conn: &mut PgConnection) -> sqlx::Result<Vec<Count>> {
    query_as!(
        Count,
        r#"SELECT kind, count(*) AS "accounts!", sum(abs(ledger_entries - audited_entries))::bigint AS "entries!"
             FROM audit_findings GROUP BY kind"#
    )
    .fetch_all(conn)
    .await
}

/// Puts `found` in the place of what was known of these accounts.
pub async fn replace_findings(
    conn: &mut PgConnection,
    known: &[Finding],
    found: &[Finding],
) -> sqlx::Result<()> {
    let known: Vec<_> = known.iter().map(|finding| finding.account.id).collect();
    query!("DELETE FROM audit_findings WHERE account_id = ANY($1)", &known)
        .execute(&mut *conn)
        .await?;
    let rows: Vec<_> = found.iter().map(Row::from).collect();
    query!(
        "INSERT INTO audit_findings SELECT * FROM jsonb_populate_recordset(NULL::audit_findings, $1)",
        Json(rows) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn finish_pass(conn: &mut PgConnection, pass: &Pass) -> sqlx::Result<()> {
    query!(
        "INSERT INTO audit_pass (finished_at, accounts_compared) VALUES ($1, $2)
         ON CONFLICT (single) DO UPDATE SET finished_at = excluded.finished_at,
                                          accounts_compared = excluded.accounts_compared",
        pass.finished_at,
        pass.accounts_compared
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn last_pass(conn: &mut PgConnection) -> sqlx::Result<Option<Pass>> {
    query_as!(Pass, "SELECT finished_at, accounts_compared FROM audit_pass")
        .fetch_optional(conn)
        .await
}

#[derive(Serialize)]
struct Row {
    account_id: Uuid,
    kind: String,
    ledger_minor: i64,
    ledger_entries: i64,
    audited_minor: i64,
    audited_entries: i64,
    waits_for: i64,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
}

impl From<&Finding> for Row {
    fn from(finding: &Finding) -> Self {
        let Account { id, ledger, audited } = finding.account;
        Self {
            account_id: id,
            kind: finding.kind.as_str().to_owned(),
            ledger_minor: ledger.balance_minor,
            ledger_entries: ledger.entries,
            audited_minor: audited.balance_minor,
            audited_entries: audited.entries,
            waits_for: finding.waits_for,
            first_seen_at: finding.first_seen_at,
            last_seen_at: finding.last_seen_at,
        }
    }
}

impl TryFrom<Row> for Finding {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let kind = Kind::parse(&row.kind)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown kind of finding: {}", row.kind).into()))?;
        Ok(Self {
            kind,
            account: Account {
                id: row.account_id,
                ledger: Balance {
                    balance_minor: row.ledger_minor,
                    entries: row.ledger_entries,
                },
                audited: Balance {
                    balance_minor: row.audited_minor,
                    entries: row.audited_entries,
                },
            },
            waits_for: row.waits_for,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
        })
    }
}
