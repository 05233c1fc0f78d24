//! What a user sees of their transactions: page by page in both directions, and only what a filter lets through.
//!
//! The query is put together at run time, since its conditions are the client's choice. However they are chosen, it is one
//! index scan for each way of being a party, in the order of the list, that ends with the page: it costs the same however
//! long the history is. A filter that finds little reads more of the user's own rows, and never anybody else's.

use chrono::{DateTime, Utc};
use money::Currency;
use page::Place;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::read::Row;
use crate::domain::{Kind, Transaction};

/// What [`Row`] has. Named, since a prepared `*` would break when a later migration adds a column.
const COLUMNS: &str = "id, kind, state, initiator_user_id, by_operator, from_account_id, to_account_id, payer_user_id, \
                       to_user_id, amount_minor, currency, description, failure_code, fee_minor, expires_at, hold_id, \
                       refunds_id, payment_request_id, addressed_user_id, created_at, completed_at";

/// Who is a party: each of these has an index that goes on with the id.
const PARTIES: [&str; 3] = ["initiator_user_id", "to_user_id", "payer_user_id"];

/// Which transactions; what is `None` does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    /// On either side.
    pub account: Option<Uuid>,
    pub kind: Option<Kind>,
    /// A word of [`State::as_str`](crate::domain::State::as_str).
    pub state: Option<&'static str>,
    /// The user on the other side.
    pub counterparty: Option<Uuid>,
    pub from: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
    pub currency: Option<Currency>,
    pub min_minor: Option<i64>,
    pub max_minor: Option<i64>,
    /// A part of the description, whatever its case.
    pub text: Option<String>,
}

/// The `limit` transactions at `place` that a user has made, received or paid, newest first.
pub async fn history(
    db: &mut PgConnection,
    user: Uuid,
    filter: &Filter,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Transaction>> {
    let order = if place.is_back() { "id" } else { "id desc" };
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from ("));
    for (number, party) in PARTIES.into_iter().enumerate() {
        let union = if number == 0 { "" } else { " union " };
        query.push(format!("{union}(select * from transactions where {party} = "));
        query.push_bind(user);
        only_beside(&mut query, place);
        only_of(&mut query, filter, user);
        query.push(format!(" order by {order} limit ")).push_bind(limit);
        query.push(")");
    }
    query
        .push(format!(") as mine order by {order} limit "))
        .push_bind(limit);
    let mut rows: Vec<Row> = query.build_query_as().fetch_all(db).await?;
    if place.is_back() {
        rows.reverse();
    }
    rows.into_iter().map(Transaction::try_from).collect()
}

fn only_beside(query: &mut QueryBuilder<Postgres>, place: Place<Uuid>) {
    match place {
        Place::Start => {}
        Place::After(id) => {
            query.push(" and id < ").push_bind(id);
        }
        Place::Before(id) => {
            query.push(" and id > ").push_bind(id);
        }
    }
}

fn only_of(query: &mut QueryBuilder<Postgres>, filter: &Filter, user: Uuid) {
    if let Some(account) = filter.account {
        query
            .push(" and ")
            .push_bind(account)
            .push(" in (from_account_id, to_account_id)");
    }
    if let Some(kind) = filter.kind {
        query.push(" and kind = ").push_bind(kind.as_str());
    }
    if let Some(state) = filter.state {
        query.push(" and state = ").push_bind(state);
    }
    if let Some(counterparty) = filter.counterparty {
        query
            .push(" and case when to_user_id = ")
            .push_bind(user)
            .push(" then coalesce(payer_user_id, initiator_user_id) else to_user_id end = ")
            .push_bind(counterparty);
    }
    if let Some(from) = filter.from {
        query.push(" and created_at >= ").push_bind(from);
        query.push(" and id >= ").push_bind(id_at(from, -SLACK_MS));
    }
    if let Some(before) = filter.before {
        query.push(" and created_at < ").push_bind(before);
        query.push(" and id < ").push_bind(id_at(before, SLACK_MS));
    }
    if let Some(currency) = filter.currency {
        query.push(" and currency = ").push_bind(currency.code());
    }
    if let Some(min) = filter.min_minor {
        query.push(" and amount_minor >= ").push_bind(min);
    }
    if let Some(max) = filter.max_minor {
        query.push(" and amount_minor <= ").push_bind(max);
    }
    if let Some(text) = &filter.text {
        query
            .push(" and strpos(lower(description), lower(")
            .push_bind(text.clone())
            .push(")) > 0");
    }
}

/// An id and its `created_at` are made one after the other, by one clock that may be set in between.
const SLACK_MS: i64 = 60_000;

/// Ids begin with their time (`UUIDv7`), so a span of time is a range of the indexes: this is the lowest id of a moment.
fn id_at(moment: DateTime<Utc>, shift_ms: i64) -> Uuid {
    const LAST_MS: u64 = (1 << 48) - 1;
    let unix_ms = u64::try_from(moment.timestamp_millis() + shift_ms).unwrap_or(0);
    Uuid::from_u128(u128::from(unix_ms.min(LAST_MS)) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_lowest_id_of_its_time() {
        let now = Utc::now();
        let id = Uuid::now_v7();
        assert!(id_at(now, -SLACK_MS) < id && id < id_at(now, SLACK_MS));
        assert_eq!(id_at(DateTime::UNIX_EPOCH, -1), Uuid::nil());
        assert!(id_at(DateTime::<Utc>::MAX_UTC, 0) > id);
    }
}
