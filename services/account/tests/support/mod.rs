//! A running account service in this process, with a database of its own, and callers with valid tokens.

use account::AppState;
use axum::Router;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request};
use uuid::Uuid;

pub struct App {
    pub router: Router,
    pub issuer: Issuer,
    pub pool: PgPool,
}

/// A user with the default account.
pub struct Holder {
    pub user: Uuid,
    pub account: Uuid,
    pub token: String,
}

impl App {
    pub fn new(pool: PgPool) -> Self {
        let issuer = Issuer::new();
        let state = AppState::new(pool.clone(), issuer.identity("account"));
        Self {
            router: server::bounded(account::app(state)),
            issuer,
            pool,
        }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        call(&self.router, request("GET", path, token, &Value::Null)).await
    }

    pub async fn provision(&self, user: Uuid) -> Answer {
        let token = self.issuer.service_token("gateway", "account", "provision");
        call(
            &self.router,
            request("POST", "/internal/provision", &token, &json!({ "user_id": user })),
        )
        .await
    }

    /// A new user with the default account and this balance.
    pub async fn holder(&self, balance: i64) -> Holder {
        let user = Uuid::now_v7();
        let token = self.issuer.user_token(user);
        let accounts = self.get("/accounts", &token).await;
        let account = accounts.json["items"][0]["id"].as_str().unwrap().parse().unwrap();
        if balance > 0 {
            let results = self.post(&[top_up(Uuid::now_v7(), user, account, balance)]).await;
            assert_eq!(results[0]["outcome"], "applied");
        }
        Holder { user, account, token }
    }

    /// A new user's account of another type than the default one, with this balance.
    pub async fn holder_of(&self, r#type: &str, balance: i64) -> Holder {
        let (user, account) = (Uuid::now_v7(), Uuid::now_v7());
        sqlx::query(
            "insert into accounts (id, owner_user_id, type, currency, name, limit_minor, max_per_movement_minor, max_per_day_minor)
             select $1, $2, type, currency, name, limit_minor, max_per_movement_minor, max_per_day_minor
             from account_types where type = $3 and currency = 'EUR'",
        )
        .bind(account)
        .bind(user)
        .bind(r#type)
        .execute(&self.pool)
        .await
        .unwrap();
        if balance > 0 {
            let results = self.post(&[deposit(Uuid::now_v7(), account, balance)]).await;
            assert_eq!(results[0]["outcome"], "applied");
        }
        let token = self.issuer.user_token(user);
        Holder { user, account, token }
    }

    /// What is held on an account.
    pub async fn held(&self, holder: &Holder) -> i64 {
        let account = self
            .get(&format!("/accounts/{}", holder.account), &holder.token)
            .await;
        account.json["held_minor"].as_i64().unwrap()
    }

    /// Writes `count` top-ups of 1 into the past of an empty account, one every `every` (an interval) from `start` on.
    pub async fn backdate(&self, holder: &Holder, count: i64, start: &str, every: &str) {
        sqlx::query(
            "with numbers as (
                 select n, $3::timestamptz + (n - 1) * $4::interval as at, gen_random_uuid() as posting_id
                 from generate_series(1, $2) as n
             ), outside as (
                 update accounts set balance_minor = balance_minor - $2 where type = 'external' and currency = 'EUR' returning id
             ), own as (
                 update accounts set balance_minor = $2, sequence = $2 where id = $1
             ), new_postings as (
                 insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                                       from_balance_minor, to_balance_minor, created_at)
                 select posting_id, 'top_up', $5, outside.id, $1, 1, 'EUR', -n, n, at from numbers, outside
             )
             insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor, created_at)
             select $1, n, posting_id, 1, n, at from numbers",
        )
        .bind(holder.account)
        .bind(count)
        .bind(start.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        .bind(match every {
            "1 day" => sqlx::postgres::types::PgInterval { months: 0, days: 1, microseconds: 0 },
            _ => sqlx::postgres::types::PgInterval { months: 0, days: 0, microseconds: 1_000_000 },
        })
        .bind(holder.user)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub async fn balance(&self, holder: &Holder) -> i64 {
        let account = self
            .get(&format!("/accounts/{}", holder.account), &holder.token)
            .await;
        account.json["balance_minor"].as_i64().unwrap()
    }

    pub async fn post_raw(&self, body: &Value) -> Answer {
        let token = self
            .issuer
            .service_token("transaction", "account", "postings:write");
        call(&self.router, request("POST", "/internal/postings", &token, body)).await
    }

    /// Posts and gives the results.
    pub async fn post(&self, postings: &[Value]) -> Vec<Value> {
        let answer = self.post_raw(&json!({ "postings": postings })).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        answer.json["results"].as_array().unwrap().clone()
    }

    /// All that the books promise, whatever happened, as an operator would check it.
    pub async fn assert_sound(&self) {
        account::sealer::seal_waiting(&self.pool).await.unwrap();
        let report = account::verify::verify(&self.pool, None).await.unwrap();
        assert!(report.is_sound(), "{report}");
    }
}

pub fn eur(amount: i64) -> Value {
    json!({ "amount_minor": amount, "currency": "EUR" })
}

pub fn top_up(id: Uuid, user: Uuid, to: Uuid, amount: i64) -> Value {
    json!({ "posting_id": id, "kind": "top_up", "initiator_user_id": user, "from_account_id": null,
            "to_account_id": to, "amount": eur(amount) })
}

pub fn transfer(id: Uuid, from: &Holder, to: &Holder, amount: i64) -> Value {
    json!({ "posting_id": id, "kind": "transfer", "initiator_user_id": from.user, "from_account_id": from.account,
            "to_account_id": to.account, "amount": eur(amount) })
}

/// An operator brings money in.
pub fn deposit(id: Uuid, to: Uuid, amount: i64) -> Value {
    json!({ "posting_id": id, "kind": "deposit", "initiator_user_id": Uuid::now_v7(), "by_operator": true,
            "to_account_id": to, "amount": eur(amount) })
}

/// Reserves an amount for `seconds` from now.
pub fn hold(id: Uuid, from: &Holder, to: &Holder, amount: i64, seconds: i64) -> Value {
    json!({ "posting_id": id, "kind": "hold", "initiator_user_id": from.user, "from_account_id": from.account,
            "to_account_id": to.account, "amount": eur(amount),
            "expires_at": chrono::Utc::now() + chrono::TimeDelta::seconds(seconds) })
}

/// Ends a hold: `capture`, `void` or `expiry`.
pub fn end_of(id: Uuid, kind: &str, hold_id: Uuid, initiator: Uuid, amount: i64) -> Value {
    json!({ "posting_id": id, "kind": kind, "initiator_user_id": initiator, "hold_id": hold_id, "amount": eur(amount) })
}
