//! What must never be: counted in the stack's databases after each load that has moved money.

use std::fmt;
use std::time::Duration;

use ::tests::{Stack, within};
use anyhow::ensure;
use sqlx::PgPool;

use crate::database::Server;

/// The consumers share the machine with the load, so they may be behind when it ends.
const PATIENCE: Duration = Duration::from_mins(4);

/// How often each of them was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies {
    /// Accounts with less than their limit allows.
    pub overdrafts: i64,
    /// Postings with other than their two entries, or four with a fee, and keys with more than one transaction.
    pub duplicates: i64,
    /// Accounts whose balance is not the sum of their entries.
    pub wrong_balances: i64,
    /// Currencies whose accounts do not sum to zero.
    pub unbalanced: i64,
    /// Completed transactions without one line in the audit log, or without their posting; lines and postings too many.
    pub lost: i64,
    /// Transactions that were answered as completed and are not, or the other way round.
    pub untrue_answers: i64,
}

impl Anomalies {
    fn kinds(self) -> [(&'static str, i64); 6] {
        [
            ("overdrafts", self.overdrafts),
            ("duplicates", self.duplicates),
            ("wrong balances", self.wrong_balances),
            ("unbalanced currencies", self.unbalanced),
            ("lost events or postings", self.lost),
            ("untrue answers", self.untrue_answers),
        ]
    }

    /// The cell of the table, beside the rate: nothing but none is ever written.
    pub fn none_in(self, movements: u32) -> anyhow::Result<String> {
        let found = self.kinds().iter().map(|(_, count)| count).sum::<i64>();
        ensure!(found == 0, "anomalies in {movements} movements: {self}");
        Ok(format!("0 in {movements}"))
    }
}

impl fmt::Display for Anomalies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds().map(|(kind, count)| format!("{count} {kind}"));
        f.write_str(&kinds.join(", "))
    }
}

/// Looks through the books of an account database.
pub async fn in_books(books: &PgPool) -> anyhow::Result<Anomalies> {
    Ok(Anomalies {
        overdrafts: count(
            books,
            "select count(*) from accounts where balance_minor - held_minor < limit_minor",
        )
        .await?,
        duplicates: count(
            books,
            "select count(*)
             from (select id, case when refusal is not null or kind in ('hold', 'void', 'expiry') then 0
                                   when fee_minor is null then 2 else 4 end as due from postings) as posting
             full join (select posting_id, count(*) as found from entries group by posting_id) as entry
                 on entry.posting_id = posting.id
             where coalesce(due, -1) <> coalesce(found, 0)",
        )
        .await?,
        wrong_balances: count(
            books,
            "select count(*) from accounts
             left join (select account_id, sum(amount_minor) as sum, count(*) as count from entries group by account_id) as entry
                 on entry.account_id = accounts.id
             where balance_minor <> coalesce(sum, 0) or sequence <> coalesce(count, 0)",
        )
        .await?,
        unbalanced: count(
            books,
            "select count(*) from (select from accounts group by currency having sum(balance_minor) <> 0) as unbalanced",
        )
        .await?,
        ..Anomalies::default()
    })
}

/// Watches the whole system while a load moves money.
pub struct Audit {
    account: PgPool,
    transaction: PgPool,
    activity: PgPool,
    completed_before: i64,
}

impl Audit {
    /// Begins when nothing moves.
    pub async fn begin(stack: &Stack) -> anyhow::Result<Self> {
        let server = Server::of(stack)?;
        let mut audit = Self {
            account: server.connect("account").await?,
            transaction: server.connect("transaction").await?,
            activity: server.connect("activity").await?,
            completed_before: 0,
        };
        audit.completed_before = audit.completed().await?.count;
        audit.delivered().await?;
        Ok(audit)
    }

    /// Waits until every event has been delivered. What is late by more than [`PATIENCE`] is lost.
    pub async fn delivered(&self) -> anyhow::Result<()> {
        within(
            PATIENCE,
            "every completed transaction is in the audit log",
            || async { (self.lost_events().await.ok()? == 0).then_some(()) },
        )
        .await
    }

    /// After a load of which so many movements were answered as completed: the cell of the table, or an error.
    pub async fn end(&self, answered: u32) -> anyhow::Result<String> {
        // Whatever is missing after that is counted below.
        let _late = self.delivered().await;
        let (completed, postings) = (self.completed().await?, self.postings().await?);
        let anomalies = Anomalies {
            duplicates: in_books(&self.account).await?.duplicates + self.keys_used_twice().await?,
            lost: self.lost_events().await? + completed.differs_from(postings),
            untrue_answers: (completed.count - self.completed_before - i64::from(answered)).abs(),
            ..in_books(&self.account).await?
        };
        anomalies.none_in(answered)
    }

    async fn completed(&self) -> anyhow::Result<Set> {
        let ids = "select id from transactions where state = 'completed'";
        Set::of(&self.transaction, ids).await
    }

    async fn postings(&self) -> anyhow::Result<Set> {
        Set::of(&self.account, "select id from postings where refusal is null").await
    }

    /// An event's id is its transaction's.
    async fn lost_events(&self) -> anyhow::Result<i64> {
        let waiting = count(&self.transaction, "select count(*) from outbox").await?;
        let ids = "select event_id as id from audit_log where kind = 'payme.transaction.made.v1'";
        let logged = Set::of(&self.activity, ids).await?;
        Ok(waiting + self.completed().await?.differs_from(logged))
    }

    async fn keys_used_twice(&self) -> anyhow::Result<i64> {
        count(
            &self.transaction,
            "select count(*) from (select from transactions where idempotency_key is not null
             group by initiator_user_id, idempotency_key having count(*) > 1) as twice",
        )
        .await
    }
}

async fn count(pool: &PgPool, select: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(select).fetch_one(pool).await?)
}

/// A set of ids in one database, to be compared with one in another without carrying both here.
#[derive(Clone, Copy)]
struct Set {
    count: i64,
    /// Of hashes of all ids.
    checksum: i64,
}

impl Set {
    async fn of(pool: &PgPool, ids: &'static str) -> anyhow::Result<Self> {
        let select = format!(
            "select count(*), coalesce(bit_xor(hashtextextended(id::text, 0)), 0) from ({ids}) as ids"
        );
        let row = sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_one(pool);
        let (count, checksum) = row.await?;
        Ok(Self { count, checksum })
    }

    /// By how many ids, at the least.
    fn differs_from(self, other: Self) -> i64 {
        let more = (self.count - other.count).abs();
        more.max(i64::from(self.checksum != other.checksum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_an_anomaly_is_an_error_that_names_it() {
        assert_eq!(Anomalies::default().none_in(12).unwrap(), "0 in 12");
        let lost = Anomalies {
            lost: 2,
            ..Anomalies::default()
        };
        let error = lost.none_in(12).unwrap_err().to_string();
        assert!(
            error.starts_with("anomalies in 12 movements: 0 overdrafts"),
            "{error}"
        );
        assert!(error.contains("2 lost events or postings"), "{error}");
    }

    #[test]
    fn no_kind_makes_up_for_another() {
        let set = |count, checksum| Set { count, checksum };
        assert_eq!(set(5, 7).differs_from(set(5, 7)), 0);
        assert_eq!(set(5, 7).differs_from(set(3, 1)), 2);
        // As many, but not the same.
        assert_eq!(set(5, 7).differs_from(set(5, 8)), 1);
    }
}
