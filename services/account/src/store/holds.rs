//! Holds: what is reserved on an account, and how it ended.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::domain::{Books, Hold, HoldState};

/// Holds by their ids. Their state counts under the locks of their accounts only.
pub async fn find(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Hold>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        "select id, from_account_id, to_account_id, amount_minor, currency, state, captured_minor, expires_at
         from holds where id = any($1)",
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Hold::try_from).collect()
}

/// Writes the holds that the books have gained, and the ends of those that were there. Most batches have none.
pub async fn write(db: &mut PgConnection, books: &Books) -> sqlx::Result<()> {
    let new: Vec<_> = books.new_holds().collect();
    if !new.is_empty() {
        sqlx::query!(
            "insert into holds (id, from_account_id, to_account_id, amount_minor, currency, expires_at)
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[])",
            &column(&new, |hold| hold.id),
            &column(&new, |hold| hold.from),
            &column(&new, |hold| hold.to),
            &column(&new, |hold| hold.amount.amount_minor.0),
            &column(&new, |hold| hold.amount.currency.code()) as &[&str],
            &column(&new, |hold| hold.expires_at),
        )
        .execute(&mut *db)
        .await?;
    }
    let ended: Vec<_> = books.ended_holds().collect();
    if !ended.is_empty() {
        sqlx::query!(
            "update holds set state = ended.state, captured_minor = ended.captured_minor
             from unnest($1::uuid[], $2::text[], $3::bigint[]) as ended (id, state, captured_minor)
             where holds.id = ended.id",
            &column(&ended, |hold| hold.id),
            &column(&ended, |hold| hold.state.as_str()) as &[&str],
            &column(&ended, |hold| hold.captured.0),
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

fn column<T>(holds: &[&Hold], value: impl Fn(&Hold) -> T) -> Vec<T> {
    holds.iter().map(|hold| value(hold)).collect()
}

struct Row {
    id: Uuid,
    from_account_id: Uuid,
    to_account_id: Uuid,
    amount_minor: i64,
    currency: String,
    state: String,
    captured_minor: i64,
    expires_at: DateTime<Utc>,
}

impl TryFrom<Row> for Hold {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            from: row.from_account_id,
            to: row.to_account_id,
            amount: Money {
                amount_minor: Minor(row.amount_minor),
                currency: known(&row.currency, |code| code.parse().ok())?,
            },
            state: known(&row.state, HoldState::parse)?,
            captured: Minor(row.captured_minor),
            expires_at: row.expires_at,
        })
    }
}
