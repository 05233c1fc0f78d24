//! The stack's own PostgreSQL, as its owner: to see what was really written, and for databases of the bench's own.

use anyhow::ensure;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use tests::Stack;

/// As many as a service has.
const CONNECTIONS: u32 = 16;

/// The server itself has this one.
const MAINTENANCE: &str = "postgres";

pub struct Server {
    port: u16,
    password: String,
}

impl Server {
    pub fn of(stack: &Stack) -> anyhow::Result<Self> {
        Ok(Self {
            port: stack.env()["PAYME_PG_PORT"].parse()?,
            password: std::fs::read_to_string(stack.home().join("secrets/postgres.password"))?,
        })
    }

    pub async fn connect(&self, database: &str) -> anyhow::Result<PgPool> {
        let options = PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username("postgres")
            .password(&self.password)
            .database(database);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
        Ok(pool.connect_with(server::by_index(options)).await?)
    }

    /// A new, empty database.
    pub async fn create(&self, database: &str) -> anyhow::Result<PgPool> {
        ensure!(
            database.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "not a name of ours: {database}"
        );
        let server = self.connect(MAINTENANCE).await?;
        let statement = format!("create database {database}");
        sqlx::query(AssertSqlSafe(statement)).execute(&server).await?;
        server.close().await;
        self.connect(database).await
    }

    /// How a libpq client such as `pgbench` finds it.
    pub fn libpq_env(&self) -> [(&'static str, String); 4] {
        [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "postgres".to_owned()),
            ("PGPASSWORD", self.password.clone()),
        ]
    }
}
