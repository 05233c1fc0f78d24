//! How often what may be tried. Counted in the database, so that replicas share the counts, and before anything is hashed.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Windows follow each other without a gap; a burst over the border of two gets twice the count, which does no harm.
const WINDOW_S: i64 = 5 * 60;

/// One count and its bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub key: Vec<u8>,
    pub most: u32,
}

fn limit(name: &str, of: &[&str], most: u32) -> Limit {
    Limit {
        key: hash(name, of),
        most,
    }
}

/// Tries of passwords: of one account from one network, from one network, and all together.
pub fn login(account: &str, network: &str) -> Vec<Limit> {
    vec![
        limit("login account+network", &[account, network], 20),
        limit("login network", &[network], 300),
        limit("login", &[], 6000),
    ]
}

/// Tries of one account's password from wherever, but for devices that the account is known by: many networks together
/// could keep the owner out otherwise.
pub fn login_from_unknown_devices(account: &str) -> Limit {
    limit("login account", &[account], 60)
}

/// New accounts, each of which costs a hash and a mail.
pub fn register(network: &str) -> Vec<Limit> {
    vec![
        limit("register network", &[network], 30),
        limit("register", &[], 1500),
    ]
}

/// Mails that set a new password.
pub fn reset(address: &str, network: &str) -> Vec<Limit> {
    vec![
        limit("reset address", &[address], 3),
        limit("reset network", &[network], 30),
    ]
}

/// Tries of passwords and codes by somebody who is logged in.
pub fn confirm(user_id: Uuid) -> Vec<Limit> {
    vec![limit("confirm", &[&user_id.to_string()], 20)]
}

/// Accounts at which one network failed: more than a household or an office forgets passwords of.
pub fn stuffing(network: &str) -> Limit {
    limit("stuffing", &[network], 20)
}

/// The window that runs.
pub fn window(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::seconds(now.timestamp().rem_euclid(WINDOW_S))
        - Duration::nanoseconds(now.timestamp_subsec_nanos().into())
}

pub fn seconds_left(now: DateTime<Utc>) -> u32 {
    u32::try_from(WINDOW_S - now.timestamp().rem_euclid(WINDOW_S)).unwrap_or(1)
}

/// Whose wrong passwords are counted together.
pub fn failures_of(account: &str, device: Option<&str>) -> Vec<u8> {
    hash("failures", &[account, device.unwrap_or("elsewhere")])
}

/// No name and no address lies in the counts' table.
fn hash(name: &str, of: &[&str]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in [&[name], of].concat() {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_at_whole_minutes_and_ends() {
        let now = DateTime::from_timestamp(1_800_000_123, 456).unwrap();
        assert_eq!(window(now).timestamp(), 1_800_000_000);
        assert_eq!(window(now).timestamp_subsec_nanos(), 0);
        assert_eq!(seconds_left(now), 177);
    }

    #[test]
    fn counts_of_different_things_are_apart() {
        let keys: Vec<_> = login("ada", "192.0.2.0/24")
            .into_iter()
            .chain(login("ad", "a192.0.2.0/24"))
            .collect();
        let different: std::collections::BTreeSet<_> = keys.iter().map(|limit| &limit.key).collect();
        // All but the one for everybody.
        assert_eq!(different.len(), 5);
        assert_ne!(failures_of("ada", None), failures_of("ada", Some("device")));
    }
}
