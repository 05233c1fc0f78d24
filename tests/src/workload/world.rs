//! The people of a run and their accounts, made before it begins.

use anyhow::Context;
use futures_util::future::try_join_all;
use serde_json::json;
use uuid::Uuid;

use super::books::Books;
use super::operation::{ACCOUNTS, FIRST_SAVINGS, NOWHERE, USERS, owner};
use crate::{Person, Stack};

pub struct World {
    pub people: Vec<Person>,
    pub accounts: Vec<Account>,
}

pub struct Account {
    pub id: Uuid,
    /// Of what it receives from others, in hundredths of a percent.
    pub fee_basis_points: i32,
}

impl World {
    pub async fn make(stack: &Stack, books: &Books) -> anyhow::Result<Self> {
        let origin = stack.origin();
        let people = try_join_all((0..USERS).map(|_| Person::arrive(&origin))).await?;
        let mut accounts = Vec::new();
        for person in &people {
            let (id, _) = person.account().await?;
            accounts.push(Account {
                id: id.parse()?,
                fee_basis_points: 0,
            });
        }
        for number in USERS..ACCOUNTS {
            let kind = if number < FIRST_SAVINGS {
                "merchant"
            } else {
                "savings"
            };
            accounts.push(open(books, &people[owner(number)], kind).await?);
        }
        Ok(Self { people, accounts })
    }

    /// The id of an account by its number.
    pub fn id(&self, account: usize) -> Uuid {
        if account == NOWHERE {
            Uuid::from_u128(u128::MAX)
        } else {
            self.accounts[account].id
        }
    }

    /// The number of an account of the run.
    pub fn number(&self, id: Uuid) -> Option<usize> {
        self.accounts.iter().position(|account| account.id == id)
    }

    pub fn user_ids(&self) -> Vec<Uuid> {
        self.people.iter().map(|person| person.user_id).collect()
    }

    pub fn account_ids(&self) -> Vec<Uuid> {
        self.accounts.iter().map(|account| account.id).collect()
    }
}

/// A further account, of another type than all have.
async fn open(books: &Books, person: &Person, kind: &str) -> anyhow::Result<Account> {
    let body = json!({ "type": kind, "currency": "EUR" });
    let opened = person.post("/accounts", &body).await?;
    let id = opened.json["id"]
        .as_str()
        .with_context(|| format!("no account: {opened:?}"))?;
    let fee =
        sqlx::query_scalar("select fee_basis_points from account_types where type = $1 and currency = 'EUR'");
    Ok(Account {
        id: id.parse()?,
        fee_basis_points: fee.bind(kind).fetch_one(&books.account).await?,
    })
}
