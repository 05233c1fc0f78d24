//! Logins per second through the gateway, against the raw Argon2id rate of the same cores.

use std::time::Duration;

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::json;
use tests::{PASSWORD, Stack};

use crate::load::{Rate, compute, drive};
use crate::people::{self, ok};
use crate::report::{Goal, Measured, Unit};
use crate::{idle, machine};

pub const LOGINS: &str = "logins through the gateway";

const ROUNDS: u32 = 3;
const FLOOR_TIME: Duration = Duration::from_secs(3);
const LOAD_TIME: Duration = Duration::from_secs(6);
/// Enough that hashes are computed while other logins wait for sidecars and databases.
const CONNECTIONS: usize = 8;

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let mut people = people::arrive(stack, CONNECTIONS).await?;
    // As after a logout: the device stays known.
    for person in &mut people {
        person.cookie.clear();
    }
    let people = &people;
    let log_in = async |number: usize| ok(&people[number].try_log_in(PASSWORD, &json!({})).await?);
    drive(CONNECTIONS, Duration::from_secs(1), log_in).await?;
    let (mut floor, mut measured) = (Rate::default(), Rate::default());
    for _ in 0..ROUNDS {
        idle::settle().await?;
        floor += argon2id()?;
        measured += drive(CONNECTIONS, LOAD_TIME, log_in).await?;
    }
    Ok(vec![Measured {
        what: LOGINS.to_owned(),
        value: measured.per_second(),
        floor: floor.per_second(),
        floor_is: "raw Argon2id (19 MiB, 2, 1) on all cores",
        unit: Unit::PerSecond,
        goal: Goal::AtLeast(0.8),
        anomalies: None,
    }])
}

/// Verifies a password on every core, as `services/auth/src/hashing.rs` does.
fn argon2id() -> anyhow::Result<Rate> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| anyhow!("{error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(PASSWORD.as_bytes());
    let hash = hash.map_err(|error| anyhow!("{error}"))?.to_string();
    compute(machine::cores(), FLOOR_TIME, || {
        let hash = PasswordHash::new(&hash).map_err(|error| anyhow!("{error}"))?;
        let verified = argon2.verify_password(PASSWORD.as_bytes(), &hash);
        verified.map_err(|error| anyhow!("{error}"))
    })
}
