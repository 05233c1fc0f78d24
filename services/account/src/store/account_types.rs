//! What kinds of accounts there are: rows, not code.

use money::{Currency, Minor};
use sqlx::PgConnection;

use super::known;
use crate::domain::AccountType;

/// A type and a currency that users may open accounts of, with its rules.
pub struct Offer {
    pub r#type: AccountType,
    pub currency: Currency,
    pub name: String,
    pub limit: Minor,
    pub max_per_movement: Option<Minor>,
    pub max_per_day: Option<Minor>,
    pub fee_basis_points: i32,
    pub pays: Vec<String>,
    pub receives: Vec<String>,
}

/// Everything that users may open, by type and currency.
pub async fn offered(db: &mut PgConnection) -> sqlx::Result<Vec<Offer>> {
    // Only external accounts have no limit, and nobody opens those.
    let rows = sqlx::query!(
        r#"select type, currency, name, limit_minor as "limit_minor!", max_per_movement_minor, max_per_day_minor,
                  fee_basis_points, pays, receives
         from account_types where opened_by_users order by type, currency"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Offer {
                r#type: known(&row.r#type, AccountType::parse)?,
                currency: known(&row.currency, |code| code.parse().ok())?,
                name: row.name,
                limit: Minor(row.limit_minor),
                max_per_movement: row.max_per_movement_minor.map(Minor),
                max_per_day: row.max_per_day_minor.map(Minor),
                fee_basis_points: row.fee_basis_points,
                pays: row.pays,
                receives: row.receives,
            })
        })
        .collect()
}

/// Whether users may open accounts of this type and currency, in the words of the request.
pub async fn is_offered(db: &mut PgConnection, r#type: &str, currency: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from account_types where type = $1 and currency = $2 and opened_by_users) as "offered!""#,
        r#type,
        currency,
    )
    .fetch_one(db)
    .await
}
