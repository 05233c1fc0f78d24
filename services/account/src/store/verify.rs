//! The checks of the books, each one statement over all of them that gives the first difference.
//!
//! Where the planner could walk along an index until the first difference, `materialized` tells it that there is none: it takes
//! differences to be common, and reading everything in the order of an index is several times slower.

use sqlx::PgConnection;

/// The first place at which something is not as it should be.
pub struct Found {
    pub place: String,
    pub expected: String,
    pub found: String,
}

/// How much there is.
pub struct Counts {
    pub accounts: i64,
    pub entries: i64,
    pub postings: i64,
    pub holds: i64,
    pub seals: i64,
    pub unsealed: i64,
}

/// Only this service uses its database, so a number is as good as another.
const VERIFYING: i64 = 2;

/// Makes room for sorting all entries, and sees to it that there is one verification at a time: false if another runs.
pub async fn begin(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query!("set local work_mem = '128MB'")
        .execute(&mut *db)
        .await?;
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "begun!""#, VERIFYING)
        .fetch_one(db)
        .await
}

pub async fn counts(db: &mut PgConnection) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"select (select count(*) from accounts) as "accounts!", (select count(*) from entries) as "entries!",
                  (select count(*) from postings) as "postings!", (select count(*) from holds) as "holds!",
                  (select count(*) from seals) as "seals!", (select count(*) from unsealed) as "unsealed!""#
    )
    .fetch_one(db)
    .await
}

/// Along each account, entries count from 1 without gaps, and each balance is the one before plus the amount. That no number
/// comes twice is up to the primary key. Joining a table with itself is faster here than walking along an index.
pub async fn running_balances(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"with wrong as materialized (
               select account_id, sequence, e.balance_minor, coalesce(before.balance_minor, 0)::numeric + e.amount_minor as balance,
                      sequence > 1 and before.balance_minor is null as gap
               from entries e
               left join (select account_id, sequence + 1 as sequence, balance_minor from entries) as before
                   using (account_id, sequence)
               where e.balance_minor <> coalesce(before.balance_minor, 0)::numeric + e.amount_minor
                   or sequence > 1 and before.balance_minor is null
           )
           select format('account %s, entry %s', account_id, sequence) as "place!",
                  case when gap then format('entry %s before it', sequence - 1) else format('balance %s', balance) end as "expected!",
                  case when gap then 'no such entry' else format('balance %s', balance_minor) end as "found!"
           from wrong order by account_id, sequence limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// Each account has the balance of its last entry, and as many entries as its sequence says.
pub async fn account_balances(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"select format('account %s', coalesce(a.id, along.account_id)) as "place!",
                  format('balance %s, sequence %s', coalesce(last.balance_minor, 0), coalesce(along.entries, 0)) as "expected!",
                  case when a.id is null then 'no such account'
                       else format('balance %s, sequence %s', a.balance_minor, a.sequence) end as "found!"
           from accounts a
           full join (select account_id, count(*) as entries, max(sequence) as sequence from entries group by account_id)
               as along on along.account_id = a.id
           left join entries last on last.account_id = along.account_id and last.sequence = along.sequence
           where a.id is null or a.balance_minor <> coalesce(last.balance_minor, 0)
               or a.sequence <> coalesce(along.entries, 0)
           order by coalesce(a.id, along.account_id) limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// Each posting that moved money has exactly its legs, where it says that they are, and there is no other entry.
pub async fn legs(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"with legs as (
               select p.id as posting_id, leg.*
               from postings p cross join lateral (values
                   (p.from_account_id, p.from_sequence, -p.amount_minor, p.from_balance_minor),
                   (p.to_account_id, p.to_sequence, p.amount_minor, p.to_balance_minor + coalesce(p.fee_minor, 0)),
                   (case when p.fee_minor > 0 then p.to_account_id end, p.to_sequence + 1, -p.fee_minor, p.to_balance_minor),
                   (p.fee_account_id, p.fee_sequence, p.fee_minor, null)
               ) as leg (account_id, sequence, amount_minor, balance_minor)
               where p.refusal is null and p.kind not in ('hold', 'void', 'expiry') and leg.account_id is not null
           )
           select format('account %s, entry %s', account_id, coalesce(sequence::text, 'without a sequence')) as "place!",
                  case when legs.posting_id is null then 'no entry'
                       else format('posting %s, amount %s, balance %s', legs.posting_id, legs.amount_minor,
                                   coalesce(legs.balance_minor::text, 'any')) end as "expected!",
                  case when e.posting_id is null then 'no entry'
                       else format('posting %s, amount %s, balance %s', e.posting_id, e.amount_minor, e.balance_minor)
                  end as "found!"
           from legs full join entries e using (account_id, sequence)
           where legs.posting_id is distinct from e.posting_id or legs.amount_minor <> e.amount_minor
               or legs.balance_minor <> e.balance_minor
           order by account_id, sequence limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// A posting that moved nothing names no entries, and one that moved something is in the currency of its accounts.
pub async fn postings(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"with wrong as materialized (
               select p.id, moved, named, p.currency,
                      concat_ws(', ', payer.currency, payee.currency, fees.currency) as currencies
               from (select *, refusal is null and kind not in ('hold', 'void', 'expiry') as moved,
                            num_nonnulls(from_sequence, to_sequence, fee_sequence, fee_minor) as named from postings) as p
               left join accounts payer on payer.id = p.from_account_id
               left join accounts payee on payee.id = p.to_account_id
               left join accounts fees on fees.id = p.fee_account_id
               where not moved and named > 0
                  or moved and (payer.currency is distinct from p.currency or payee.currency is distinct from p.currency
                                or p.fee_minor > 0 and fees.currency is distinct from p.currency)
           )
           select format('posting %s', id) as "place!",
                  case when moved then format('accounts in %s', currency) else 'no entries and no fee' end as "expected!",
                  case when moved then format('accounts in %s', currencies) else format('%s entries or fees', named) end as "found!"
           from wrong order by id limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// All balances of a currency sum to zero.
pub async fn sums(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"select format('currency %s', currency) as "place!", 'sum 0' as "expected!",
                  format('sum %s', sum(balance_minor)) as "found!"
           from accounts group by currency having sum(balance_minor) <> 0 order by currency limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// No account has less available than its limit.
pub async fn limits(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"select format('account %s', id) as "place!", format('available %s or more', limit_minor) as "expected!",
                  format('available %s', balance_minor::numeric - held_minor) as "found!"
           from accounts where balance_minor::numeric - held_minor < limit_minor order by id limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// What is held on an account is the sum of its holds that have not ended.
pub async fn held(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"select format('account %s', coalesce(a.id, open.id)) as "place!",
                  format('held %s', coalesce(open.held, 0)) as "expected!",
                  format('held %s', coalesce(a.held_minor::text, 'nothing: no such account')) as "found!"
           from accounts a
           full join (select from_account_id as id, sum(amount_minor) as held from holds where state = 'authorized'
                      group by from_account_id) as open on open.id = a.id
           where a.held_minor is distinct from coalesce(open.held, 0)
           order by coalesce(a.id, open.id) limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// Each hold is what its posting authorised, and has ended as one capture, void or expiry says, or not at all.
pub async fn holds(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"with ends as (
               select hold_id, count(*) as number, min(kind) as kind,
                      sum(amount_minor) filter (where kind = 'capture') as captured
               from postings where hold_id is not null and refusal is null group by hold_id
           ), expected as (
               select coalesce(p.id, ends.hold_id) as id, coalesce(ends.number, 0) as ends,
                      case when p.id is null then 'no hold was authorised' else
                      format('%s of %s %s from %s to %s, captured %s',
                             case ends.kind when 'capture' then 'captured' when 'void' then 'voided'
                                            when 'expiry' then 'expired' else 'authorized' end,
                             p.amount_minor, p.currency, p.from_account_id, p.to_account_id, coalesce(ends.captured, 0))
                      end as said
               from (select * from postings where kind = 'hold' and refusal is null) as p
               full join ends on ends.hold_id = p.id
           ), found as (
               select id, format('%s of %s %s from %s to %s, captured %s', state, amount_minor, currency, from_account_id,
                                 to_account_id, captured_minor) as said
               from holds
           )
           select format('hold %s', id) as "place!",
                  coalesce(expected.said, 'no hold was authorised') || ', ended once at most' as "expected!",
                  format('%s, ended %s times', coalesce(found.said, 'no hold'), coalesce(expected.ends, 0)) as "found!"
           from expected full join found using (id)
           where expected.said is distinct from found.said or expected.ends > 1
           order by id limit 1"#
    )
    .fetch_optional(db)
    .await
}

/// Each posting is in the chain once, or waits for it.
pub async fn members(db: &mut PgConnection) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        r#"select format('posting %s', id) as "place!", 'once in the chain' as "expected!",
                  case when p.id is null then 'only in the chain: there is no such posting'
                       else format('%s times in the chain', coalesce(member.times, 0)) end as "found!"
           from (select id, count(*) as times
                 from (select unnest(posting_ids) as id from seals
                       union all select unnest(posting_ids) from unsealed) as listed
                 group by id) as member
           full join postings p using (id)
           where p.id is null or member.times is distinct from 1
           order by id limit 1"#
    )
    .fetch_optional(db)
    .await
}
