//! The chain of seals over the audit log. Every function takes a connection; the caller owns the transaction.

use chain::Head;
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

/// The newest seal: what the next one goes on from.
#[derive(Clone, Copy)]
pub struct Link {
    pub head: Head,
    pub last_seq: i64,
}

impl Link {
    pub const GENESIS: Self = Self {
        head: Head::GENESIS,
        last_seq: i64::MIN,
    };
}

/// Up to where the log was written at a moment: by transactions that were begun before `transaction`.
#[derive(Clone)]
pub struct Mark {
    pub seq: i64,
    pub transaction: String,
}

/// A seal as it is stored, and the hash that it has to have.
pub struct Seal {
    pub number: i64,
    pub last_seq: i64,
    pub hash: Vec<u8>,
    pub expected: Vec<u8>,
}

/// A line that is not what was sealed.
pub struct ChangedLine {
    pub seq: i64,
    /// None: it is gone.
    pub event_id: Option<Uuid>,
    /// It was not there when its neighbours were sealed.
    pub added: bool,
}

/// The marks are of two statements, so that whoever took a `seq` up to the one was under way at the other.
pub async fn mark(conn: &mut PgConnection) -> sqlx::Result<Mark> {
    let seq = query_scalar!(
        r#"SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_log', 'seq')::regclass), 0) AS "seq!""#
    )
    .fetch_one(&mut *conn)
    .await?;
    let transaction = query_scalar!(r#"SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS "xmax!""#)
        .fetch_one(conn)
        .await?;
    Ok(Mark { seq, transaction })
}

/// Whether all that was under way at the mark has ended, so that no line will come before it any more.
pub async fn is_settled(conn: &mut PgConnection, mark: &Mark) -> sqlx::Result<bool> {
    query_scalar!(
        r#"SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 AS "settled!""#,
        mark.transaction
    )
    .fetch_one(conn)
    .await
}

pub async fn newest(conn: &mut PgConnection) -> sqlx::Result<Link> {
    let row = query!("SELECT number, last_seq, hash FROM audit_seals ORDER BY number DESC LIMIT 1")
        .fetch_optional(conn)
        .await?;
    row.map_or(Ok(Link::GENESIS), |row| link(row.number, row.last_seq, row.hash))
}

/// One seal of the chain by its number.
pub async fn find(conn: &mut PgConnection, number: i64) -> sqlx::Result<Option<Link>> {
    let row = query!(
        "SELECT number, last_seq, hash FROM audit_seals WHERE number = $1",
        number
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| link(row.number, row.last_seq, row.hash))
        .transpose()
}

fn link(number: i64, last_seq: i64, hash: Vec<u8>) -> sqlx::Result<Link> {
    let hash = hash
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a hash has 32 bytes".into()))?;
    Ok(Link {
        head: Head { number, hash },
        last_seq,
    })
}

/// Seals at most `limit` lines after `link`, up to `last_seq`. Says how many.
pub async fn seal(conn: &mut PgConnection, link: &Link, last_seq: i64, limit: i64) -> sqlx::Result<i64> {
    let events = query_scalar!(
        r#"INSERT INTO audit_seals (number, last_seq, events, hash, seqs, digests)
           SELECT $1::bigint, cut.seq, new.events, new.hash, new.seqs, new.digests
             FROM (SELECT max(seq) AS seq FROM (
                       SELECT seq FROM audit_log WHERE seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5
                   ) AS next) AS cut,
                  LATERAL seal_of_lines($2, $1, $3, cut.seq) AS new
            WHERE cut.seq IS NOT NULL
           RETURNING events"#,
        link.head.number + 1,
        link.head.hash.as_slice(),
        link.last_seq,
        last_seq,
        limit
    )
    .fetch_optional(conn)
    .await?;
    Ok(events.unwrap_or(0))
}

/// The seal after `link`, with the hash that follows from `link` and from what the lines are now.
pub async fn after(conn: &mut PgConnection, link: &Link) -> sqlx::Result<Option<Seal>> {
    query_as!(
        Seal,
        r#"SELECT seal.number, seal.last_seq, seal.hash, now.hash AS "expected!"
             FROM audit_seals AS seal, LATERAL seal_of_lines($2, $1::bigint + 1, $3, seal.last_seq) AS now
            WHERE seal.number = (SELECT min(number) FROM audit_seals WHERE number > $1)"#,
        link.head.number,
        link.head.hash.as_slice(),
        link.last_seq
    )
    .fetch_optional(conn)
    .await
}

/// The first of the lines after `after_seq` that is not what the seal `number` says.
pub async fn changed_line(
    conn: &mut PgConnection,
    number: i64,
    after_seq: i64,
) -> sqlx::Result<Option<ChangedLine>> {
    query_as!(
        ChangedLine,
        r#"WITH seal AS (SELECT last_seq, seqs, digests FROM audit_seals WHERE number = $1)
           SELECT coalesce(was.seq, now.seq) AS "seq!", now.event_id AS "event_id?", was.seq IS NULL AS "added!"
             FROM (SELECT line.* FROM seal, LATERAL unnest(seqs, digests) AS line (seq, digest)) AS was
             FULL JOIN (SELECT log.seq, log.event_id, digest_of_line(log) AS digest
                          FROM seal, audit_log AS log WHERE log.seq > $2 AND log.seq <= seal.last_seq) AS now
               ON now.seq = was.seq
            WHERE was.digest IS DISTINCT FROM now.digest
            ORDER BY 1 LIMIT 1"#,
        number,
        after_seq
    )
    .fetch_optional(conn)
    .await
}

/// How many lines come after `seq`.
pub async fn count_after(conn: &mut PgConnection, seq: i64) -> sqlx::Result<i64> {
    query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_log WHERE seq > $1"#,
        seq
    )
    .fetch_one(conn)
    .await
}
