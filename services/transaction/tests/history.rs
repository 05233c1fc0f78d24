//! `GET /transactions` and `GET /transactions/{id}`.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, transfer_of};

#[sqlx::test]
async fn both_parties_see_a_completed_transfer_and_nobody_else(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let made = app.transfer(payer, "k", &transfer_of(5)).await.json();
    let path = format!("/transactions/{}", made["id"].as_str().unwrap());
    for party in [payer, PAYEE] {
        assert_eq!(app.get(&path, party).await.json, made);
        assert_eq!(app.get("/transactions", party).await.json["items"], json!([made]));
    }
    let stranger = app.get(&path, Uuid::now_v7()).await;
    assert_eq!(
        (stranger.status.as_u16(), stranger.code()),
        (404, "transaction_not_found")
    );
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    app.transfer(payer, "k2", &transfer_of(5)).await;
    assert_eq!(
        app.get("/transactions", PAYEE).await.json["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "a failed one is the payer's"
    );
}

#[sqlx::test]
async fn a_bad_cursor_and_a_bad_filter_are_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for number in 0..2 {
        app.transfer(user, &number.to_string(), &transfer_of(5)).await;
    }
    let code = async |query: &str| {
        let answer = app.get(&format!("/transactions?{query}"), user).await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    for query in [
        "limit=0",
        "limit=201",
        "color=red",
        "account_id=1",
        "kind=gift",
        "state=lost",
        "counterparty_id=",
        "from=yesterday",
        "from=%2B12345-01-01T00:00:00Z",
        "from=2026-02-01T00:00:00Z&before=2026-02-01T00:00:00Z",
        "currency=EURO",
        "min_amount_minor=1",
        "max_amount_minor=1",
        "currency=EUR&min_amount_minor=0",
        "currency=EUR&min_amount_minor=9223372036854775808",
        "currency=EUR&min_amount_minor=2&max_amount_minor=1",
        "text=x",
        "text=nul%00byte",
        &format!("text={}", "x".repeat(141)),
    ] {
        assert_eq!(code(query).await, (400, "invalid_query".to_owned()), "{query}");
    }
    let page = app.get("/transactions?limit=1", user).await.json;
    let cursor = page["next_cursor"].as_str().unwrap();
    let turned = cursor.replacen('n', "p", 1);
    let cut = &cursor[..cursor.len() - 1];
    let long = "x".repeat(5_000);
    for tampered in ["", "x", "%00", turned.as_str(), cut, long.as_str()] {
        assert_eq!(
            code(&format!("cursor={tampered}")).await,
            (400, "invalid_cursor".to_owned()),
            "{tampered}"
        );
    }
    assert_eq!(code(&format!("cursor={cursor}")).await.0, 200);
}

/// A row of the history, as a model without a database sees it.
#[derive(Clone, Debug)]
struct Made {
    id: Uuid,
    kind: &'static str,
    state: &'static str,
    initiator: Uuid,
    to_user: Option<Uuid>,
    payer: Option<Uuid>,
    from_account: Option<Uuid>,
    to_account: Uuid,
    amount: i64,
    currency: &'static str,
    description: Option<&'static str>,
    at: DateTime<Utc>,
}

/// Few people, accounts, amounts and words, so that filters find something.
fn small_id() -> impl Strategy<Value = Uuid> {
    (1..4_u128).prop_map(Uuid::from_u128)
}

fn minutes(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap() + TimeDelta::minutes(number)
}

fn any_row() -> impl Strategy<Value = Made> {
    let parties = (small_id(), small_id(), prop::option::of(small_id()));
    let accounts = (11..13_u128, 13..15_u128);
    let what = (
        prop::sample::select(vec!["transfer", "top_up"]),
        prop::sample::select(vec!["pending", "completed", "failed"]),
        1..5_i64,
        prop::sample::select(vec!["EUR", "JPY"]),
        prop::option::of(prop::sample::select(vec!["Rent", "BRÜCKE", "100%", "a_b"])),
    );
    (parties, accounts, what, any::<[u8; 8]>()).prop_map(
        |((initiator, other, payer), (from, to), (kind, state, amount, currency, description), random)| {
            let completed = state == "completed";
            Made {
                id: Uuid::from_u64_pair(0, u64::from_be_bytes(random)),
                kind,
                state,
                initiator,
                to_user: completed.then_some(other),
                payer: payer.filter(|_| completed),
                from_account: (kind == "transfer").then_some(Uuid::from_u128(from)),
                to_account: Uuid::from_u128(to),
                amount,
                currency,
                description,
                at: DateTime::UNIX_EPOCH,
            }
        },
    )
}

impl Made {
    /// The row, made in this minute.
    fn in_minute(mut self, minute: i64) -> Self {
        self.at = minutes(minute);
        let unix_ms = u64::try_from(self.at.timestamp_millis()).unwrap();
        self.id = Uuid::from_u64_pair(unix_ms << 16, self.id.as_u64_pair().1);
        self
    }

    fn is_of(&self, user: Uuid) -> bool {
        self.initiator == user || self.to_user == Some(user) || self.payer == Some(user)
    }

    fn other_side(&self, user: Uuid) -> Option<Uuid> {
        if self.to_user == Some(user) {
            self.payer.or(Some(self.initiator))
        } else {
            self.to_user
        }
    }

    async fn insert(&self, pool: &PgPool) {
        sqlx::query(
            "insert into transactions (id, kind, state, initiator_user_id, to_user_id, payer_user_id, from_account_id,
                 to_account_id, amount_minor, currency, description, failure_code, idempotency_key, created_at,
                 completed_at, recover_after)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $3 = 'failed' then 'account_closed' end, 'k',
                 $12, case when $3 = 'completed' then $12 end, now() + interval '1 day')",
        )
        .bind(self.id)
        .bind(self.kind)
        .bind(self.state)
        .bind(self.initiator)
        .bind(self.to_user)
        .bind(self.payer)
        .bind(self.from_account)
        .bind(self.to_account)
        .bind(self.amount)
        .bind(self.currency)
        .bind(self.description)
        .bind(self.at)
        .execute(pool)
        .await
        .unwrap();
    }
}

/// A condition as a query says it, and as the model decides it.
type Condition = (String, fn(&Made, Uuid, &Wanted) -> bool);

/// What the filters compare with.
#[derive(Clone, Debug)]
struct Wanted {
    id: Uuid,
    account: Uuid,
    kind: &'static str,
    state: &'static str,
    minute: i64,
    amount: i64,
    currency: &'static str,
    text: &'static str,
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    (
        small_id(),
        11..15_u128,
        prop::sample::select(vec!["transfer", "top_up"]),
        prop::sample::select(vec!["pending", "completed", "failed"]),
        0..40_i64,
        1..5_i64,
        prop::sample::select(vec!["EUR", "JPY"]),
        prop::sample::select(vec!["REN", "brücke", "0%", "A_B", "%%"]),
    )
        .prop_map(
            |(id, account, kind, state, minute, amount, currency, text)| Wanted {
                id,
                account: Uuid::from_u128(account),
                kind,
                state,
                minute,
                amount,
                currency,
                text,
            },
        )
}

fn conditions(wanted: &Wanted) -> Vec<Condition> {
    let time = |minute| minutes(minute).format("%Y-%m-%dT%H:%M:%SZ");
    vec![
        (format!("account_id={}", wanted.account), |row, _, wanted| {
            row.from_account == Some(wanted.account) || row.to_account == wanted.account
        }),
        (format!("kind={}", wanted.kind), |row, _, wanted| {
            row.kind == wanted.kind
        }),
        (format!("state={}", wanted.state), |row, _, wanted| {
            row.state == wanted.state
        }),
        (format!("counterparty_id={}", wanted.id), |row, user, wanted| {
            row.other_side(user) == Some(wanted.id)
        }),
        (format!("from={}", time(wanted.minute)), |row, _, wanted| {
            row.at >= minutes(wanted.minute)
        }),
        (
            format!("before={}", time(wanted.minute + 10)),
            |row, _, wanted| row.at < minutes(wanted.minute + 10),
        ),
        (
            format!("currency={}&min_amount_minor={}", wanted.currency, wanted.amount),
            |row, _, wanted| row.currency == wanted.currency && row.amount >= wanted.amount,
        ),
        (
            format!("text={}", wanted.text.replace('%', "%25")),
            |row, _, wanted| {
                row.description
                    .is_some_and(|text| text.to_lowercase().contains(&wanted.text.to_lowercase()))
            },
        ),
    ]
}

/// Walks from `page` by one of its cursors, and on, until there is none; a new transaction comes in at each step.
async fn walk(
    app: &App,
    path: &str,
    user: Uuid,
    mut page: Value,
    by: &str,
    newer: &mut Vec<Made>,
) -> Vec<Value> {
    let mut pages = Vec::new();
    while let Some(cursor) = page[by].as_str() {
        if let Some(new) = newer.pop() {
            new.insert(&app.pool).await;
        }
        page = app.get(&format!("{path}&cursor={cursor}"), user).await.json;
        pages.push(page.clone());
        assert!(pages.len() < 100, "a walk without end");
    }
    pages
}

fn ids<'a>(pages: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    pages
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[sqlx::test]
async fn any_filtered_history_is_walked_forward_and_back_without_gap_or_repeat(pool: PgPool) {
    let app = App::new(pool).await;
    let mut runner = TestRunner::deterministic();
    let histories = (
        prop::collection::vec(any_row(), 0..40),
        prop::collection::vec(any_row(), 0..6),
        any_wanted(),
        prop::collection::vec(any::<u8>(), 8),
        1..8_usize,
        small_id(),
    );
    let mut walked = 0;
    for _ in 0..60 {
        sqlx::query("truncate transactions")
            .execute(&app.pool)
            .await
            .unwrap();
        let (rows, newer, wanted, chosen, limit, user) = histories.new_tree(&mut runner).unwrap().current();
        let mut rows: Vec<Made> = (0_i64..)
            .zip(rows)
            .map(|(minute, row)| row.in_minute(minute))
            .collect();
        let mut newer: Vec<Made> = (50_i64..)
            .zip(newer)
            .map(|(minute, row)| row.in_minute(minute))
            .collect();
        // The last one comes first.
        newer.reverse();
        for row in &rows {
            row.insert(&app.pool).await;
        }
        // Each condition in one history of four; a history with none of them comes often enough.
        let active: Vec<Condition> = conditions(&wanted)
            .into_iter()
            .zip(chosen)
            .filter(|(_, chosen)| chosen % 4 == 0)
            .map(|(condition, _)| condition)
            .collect();
        let mut path = format!("/transactions?limit={limit}");
        for (query, _) in &active {
            path = format!("{path}&{query}");
        }
        let expected = |rows: &[Made]| -> Vec<String> {
            let seen = rows
                .iter()
                .rev()
                .filter(|row| row.is_of(user) && active.iter().all(|(_, holds)| holds(row, user, &wanted)));
            seen.map(|row| row.id.to_string()).collect()
        };

        let all = newer.clone();
        let first = app.get(&path, user).await.json;
        assert!(first["previous_cursor"].is_null());
        let mut forward = vec![first.clone()];
        forward.extend(walk(&app, &path, user, first, "next_cursor", &mut newer).await);
        assert_eq!(ids(&forward), expected(&rows), "forward {path}");

        walked += ids(&forward).len();

        let last = forward.last().unwrap().clone();
        let mut back = vec![last.clone()];
        back.extend(walk(&app, &path, user, last, "previous_cursor", &mut newer).await);
        rows.extend(
            all.into_iter()
                .filter(|row| !newer.iter().any(|left| left.id == row.id)),
        );
        rows.sort_by_key(|row| row.id);
        // A history of one page has no way back, so what came meanwhile is on no page of it.
        if back.len() > 1 {
            assert_eq!(ids(back.iter().rev()), expected(&rows), "back {path}");
        }
    }
    assert!(walked > 100, "the filters let enough through to say something");
}
