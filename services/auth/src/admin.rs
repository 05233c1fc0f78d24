//! Commands for whoever has the database: how the first operator comes to be.

use anyhow::{Context, ensure};
use sqlx::{Connection, PgConnection};

use crate::domain::credentials::normal;
use crate::store::users;

const ROLES: [&str; 3] = ["user", "operator", "admin"];

/// For `garde`.
pub fn is_role(role: &str, _: &()) -> garde::Result {
    if ROLES.contains(&role) {
        return Ok(());
    }
    Err(garde::Error::new(format!("there are {}", ROLES.join(", "))))
}

/// Gives a user a role. It is in the next access token, ten minutes later at most.
pub async fn grant(username: &str, role: &str) -> anyhow::Result<()> {
    ensure!(
        ROLES.contains(&role),
        "there is no role {role}; there are {}",
        ROLES.join(", ")
    );
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let mut conn = PgConnection::connect(&url)
        .await
        .context("the database can't be reached")?;
    let found = users::grant(&mut conn, &normal(username), role).await?;
    ensure!(found, "there is no user {username}");
    Ok(())
}
