//! The databases of the services, read past the services: a check must not trust what it checks.

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::Stack;

pub struct Books {
    pub account: PgPool,
    pub transaction: PgPool,
    pub activity: PgPool,
    pub email: PgPool,
}

impl Books {
    pub fn open(stack: &Stack) -> anyhow::Result<Self> {
        let password = std::fs::read_to_string(stack.home().join("secrets/postgres.password"))?;
        let port = stack
            .env()
            .get("PAYME_PG_PORT")
            .context("no PAYME_PG_PORT")?
            .parse()?;
        let open = |database| {
            let options = PgConnectOptions::new()
                .host("127.0.0.1")
                .port(port)
                .username("postgres")
                .password(password.trim_end())
                .database(database);
            PgPoolOptions::new().max_connections(2).connect_lazy_with(options)
        };
        Ok(Self {
            account: open("account"),
            transaction: open("transaction"),
            activity: open("activity"),
            email: open("email"),
        })
    }
}
