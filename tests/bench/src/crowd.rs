//! People who pay: registered, logged in as browsers, with money; and accounts that they pay to.

use anyhow::ensure;
use futures_util::future::try_join_all;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use tests::{Answer, Person, Stack, transfer};
use uuid::Uuid;

use crate::database::Server;
use crate::people::{self, ok};

/// Among how many accounts the transfers spread.
pub const PAYEES: usize = 1_000;
/// What a payer starts with, in minor units: no load spends it.
const FUNDS_MINOR: i64 = 10_000_000;
/// What every payee has got before the load begins.
const FIRST_PAYMENT_MINOR: i64 = 100;

pub struct Crowd {
    pub payers: Vec<Payer>,
    payees: Vec<String>,
}

pub struct Payer {
    pub person: Person,
    pub account_id: String,
}

impl Crowd {
    /// So many payers with money, and [`PAYEES`] accounts of others, each of which has been paid once.
    pub async fn arrive(stack: &Stack, payers: usize) -> anyhow::Result<Self> {
        let accounts = Server::of(stack)?.connect("account").await?;
        let mut crowd = Self {
            payers: Vec::with_capacity(payers),
            payees: open_accounts(&accounts).await?,
        };
        accounts.close().await;
        for person in people::arrive(stack, payers).await? {
            without_mails(&person).await?;
            let account_id = person.top_up(FUNDS_MINOR).await?;
            crowd.payers.push(Payer { person, account_id });
        }
        try_join_all((0..payers).map(|payer| crowd.pay_first(payer))).await?;
        Ok(crowd)
    }

    /// The payer's part of the first payments.
    async fn pay_first(&self, payer: usize) -> anyhow::Result<()> {
        for payee in self.payees.iter().skip(payer).step_by(self.payers.len()) {
            self.payers[payer]
                .pay(&Uuid::new_v4(), payee, FIRST_PAYMENT_MINOR)
                .await?;
        }
        Ok(())
    }

    /// One payer pays any payee.
    pub async fn pay_anybody(&self, payer: usize) -> anyhow::Result<()> {
        let key = Uuid::new_v4();
        self.payers[payer].pay(&key, self.payee(&key)?, 1).await
    }

    /// One payer pays the payee whom everybody pays.
    pub async fn pay_the_one(&self, payer: usize) -> anyhow::Result<()> {
        self.payers[payer].pay(&Uuid::new_v4(), &self.payees[0], 1).await
    }

    /// A payee, as random as the key.
    pub fn payee(&self, key: &Uuid) -> anyhow::Result<&str> {
        let number = usize::try_from(key.as_u128() % self.payees.len() as u128)?;
        Ok(&self.payees[number])
    }
}

impl Payer {
    /// A transfer that is completed, or an error.
    pub async fn pay(&self, key: &Uuid, to: &str, amount_minor: i64) -> anyhow::Result<()> {
        let body = transfer(&self.account_id, to, amount_minor);
        let answer = self
            .person
            .post_with_key("/transactions", &key.to_string(), &body)
            .await?;
        completed(&answer)
    }
}

/// What is only accepted does not count.
pub fn completed(answer: &Answer) -> anyhow::Result<()> {
    let done = answer.status == StatusCode::CREATED && answer.json["state"] == "completed";
    ensure!(done, "not completed: {answer:?}");
    Ok(())
}

/// Mails end in a sink that is no part of the system, and writing two for each transfer would load the machine long after
/// the load. So these people have chosen to go without, as anybody can; Email still looks at every event.
async fn without_mails(person: &Person) -> anyhow::Result<()> {
    let none = json!({ "money_sent": [], "money_received": [], "topped_up": [] });
    let off = json!({ "notifications": none });
    ok(&person.patch("/users/me/preferences", &off).await?)
}

/// Registering so many people would cost as many hashes, so these accounts belong to nobody who can log in.
async fn open_accounts(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let opened = sqlx::query_scalar::<_, Uuid>(
        "insert into accounts (id, owner_user_id, type, currency, name, limit_minor)
         select gen_random_uuid(), gen_random_uuid(), 'current', 'EUR', 'Payee', 0 from generate_series(1, $1)
         returning id",
    );
    let ids = opened.bind(i32::try_from(PAYEES)?).fetch_all(pool).await?;
    Ok(ids.iter().map(Uuid::to_string).collect())
}
