//! The people of a run and their accounts, made before it begins.

use anyhow::Context;
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::books::Books;
use super::generate::{ACCOUNTS, NOWHERE, USERS, owner};
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
            accounts.push(merchant(books, people[owner(number)].user_id).await?);
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

/// A merchant account, so that there are fees. It is put into the database as a row, which is all that opening one does.
async fn merchant(books: &Books, user_id: Uuid) -> anyhow::Result<Account> {
    let id = Uuid::new_v4();
    let fee_basis_points = sqlx::query_scalar(
        "with kind as (select * from account_types where type = 'merchant' and currency = 'EUR'), opened as (
             insert into accounts (id, owner_user_id, type, currency, name, limit_minor, max_per_movement_minor, max_per_day_minor)
             select $1, $2, type, currency, name, limit_minor, max_per_movement_minor, max_per_day_minor from kind
         )
         select fee_basis_points from kind",
    )
    .bind(id)
    .bind(user_id)
    .fetch_optional(&books.account)
    .await?
    .context("there is no type of merchant accounts")?;
    Ok(Account { id, fee_basis_points })
}
