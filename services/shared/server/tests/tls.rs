//! A database that is reached over a network.

use std::time::Duration;

use anyhow::ensure;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgPool, query_scalar, raw_sql};

/// Gives the server a certificate of the address that tests reach it by, and says which.
async fn serve_tls(pool: &PgPool) -> anyhow::Result<String> {
    let host = pool.connect_options().get_host().to_owned();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host])?;
    let folder: String = query_scalar("SHOW data_directory").fetch_one(pool).await?;
    for (name, pem) in [
        ("server.crt", cert.pem()),
        ("server.key", signing_key.serialize_pem()),
    ] {
        // The server takes no key that others can read.
        let copy = format!(
            r"COPY (SELECT regexp_split_to_table($pem${pem}$pem$, '\s*\n')) TO PROGRAM 'umask 077; cat >{folder}/{name}'"
        );
        raw_sql(AssertSqlSafe(copy)).execute(pool).await?;
    }
    switch_tls(pool, "on").await?;
    Ok(cert.pem())
}

async fn switch_tls(pool: &PgPool, to: &str) -> sqlx::Result<()> {
    // Each alone: one of several statements is in a transaction, where no setting of the server can be changed.
    for statement in [
        format!("ALTER SYSTEM SET ssl = {to}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        raw_sql(AssertSqlSafe(statement)).execute(pool).await?;
    }
    Ok(())
}

/// The server reads its settings anew a little after it is told to.
async fn is_encrypted(options: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut connection = options.connect().await;
    for _ in 0..100 {
        if connection.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        connection = options.connect().await;
    }
    let mut connection = connection?;
    let encrypted = query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let encrypted = encrypted.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(encrypted)
}

#[sqlx::test]
async fn a_database_is_reached_by_tls_if_its_certificate_is_the_one_that_is_trusted(
    pool: PgPool,
) -> anyhow::Result<()> {
    let trusted = serve_tls(&pool).await?;
    let checked = (*pool.connect_options()).clone().ssl_mode(PgSslMode::VerifyFull);
    let encrypted = is_encrypted(&checked.clone().ssl_root_cert_from_pem(trusted.into_bytes())).await;
    let other = generate_simple_self_signed([checked.get_host().to_owned()])?
        .cert
        .pem();
    let refused = checked.ssl_root_cert_from_pem(other.into_bytes()).connect().await;
    // Other tests share the server, and need none of it.
    switch_tls(&pool, "off").await?;
    ensure!(encrypted?, "the connection is not encrypted");
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("certificate"), "{error:?}");
    Ok(())
}
