//! The states of signing keys.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query};

use crate::domain::rotation::KeyState;

/// All keys that were ever there; until the transaction ends no other replica changes them.
pub async fn lock_all(conn: &mut PgConnection) -> sqlx::Result<Vec<KeyState>> {
    query!("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *conn)
        .await?;
    let rows = query!("SELECT kid, algorithm, published_at, signs_from FROM signing_keys")
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(KeyState {
                kid: row.kid,
                algorithm: row
                    .algorithm
                    .parse()
                    .map_err(|error: anyhow::Error| sqlx::Error::Decode(error.into()))?,
                published_at: row.published_at,
                signs_from: row.signs_from,
            })
        })
        .collect()
}

pub async fn insert(conn: &mut PgConnection, key: &KeyState) -> sqlx::Result<()> {
    query!(
        "INSERT INTO signing_keys (kid, algorithm, published_at, signs_from) VALUES ($1, $2, $3, $4)",
        key.kid,
        key.algorithm.name(),
        key.published_at,
        key.signs_from
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_turn(conn: &mut PgConnection, kid: &str, from: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE signing_keys SET signs_from = $2 WHERE kid = $1",
        kid,
        from
    )
    .execute(conn)
    .await?;
    Ok(())
}
