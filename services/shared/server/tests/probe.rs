//! What container engines take for a service's health.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::thread;

/// Runs `probe /readyz` against a service that gives this answer.
fn probe(answer: &'static str) -> anyhow::Result<Output> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let service = thread::spawn(move || -> anyhow::Result<()> {
        let (mut connection, _) = listener.accept()?;
        let mut request = [0; 64];
        let length = connection.read(&mut request)?;
        assert!(request[..length].starts_with(b"GET /readyz HTTP/1.0\r\n"));
        connection.write_all(answer.as_bytes())?;
        Ok(())
    });
    let output = Command::new(env!("CARGO_BIN_EXE_probe"))
        .arg("/readyz")
        .env("APP_PORT", port.to_string())
        .output()?;
    assert!(service.join().is_ok_and(|served| served.is_ok()));
    Ok(output)
}

#[test]
fn a_service_that_is_ready_is_healthy() -> anyhow::Result<()> {
    assert!(probe("HTTP/1.0 200 OK\r\n\r\n{}")?.status.success());
    Ok(())
}

#[test]
fn a_service_that_is_not_ready_is_not_healthy_and_says_why() -> anyhow::Result<()> {
    let output = probe("HTTP/1.0 503 Service Unavailable\r\n\r\n{\"database\":false}")?;
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr)?.contains("\"database\":false"));
    Ok(())
}
