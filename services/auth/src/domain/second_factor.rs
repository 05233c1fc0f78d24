//! The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes for the day it is lost.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

pub const RECOVERY_CODES: usize = 10;

/// A new secret, 160 bits.
pub fn new_secret() -> Vec<u8> {
    Secret::generate().as_bytes().to_vec()
}

/// SHA-1, 6 digits, 30 seconds, one step of skew: what all authenticator apps understand.
pub fn totp(secret: Vec<u8>, username: &str) -> anyhow::Result<Totp> {
    let builder = Builder::new()
        .with_secret(secret)
        .with_account_name(username)
        .with_issuer(Some("PayMe"));
    builder.build().map_err(|error| anyhow::anyhow!("{error}"))
}

/// The time step of a code, if it is right and of a later step than the last one that was used.
pub fn accepted(totp: &Totp, code: &str, last_step: i64, now: DateTime<Utc>) -> Option<i64> {
    let step = totp.check(code, now.timestamp().try_into().ok()?)?;
    i64::try_from(step).ok().filter(|step| *step > last_step)
}

/// New recovery codes, 120 bits each (so that a fast hash keeps them, ASVS 6.5.2), in groups that people can copy.
pub fn new_recovery_codes() -> Vec<String> {
    let code = || {
        let text = Secret::from(rand::random::<[u8; 15]>().to_vec())
            .to_base32()
            .to_lowercase();
        let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        groups.join("-")
    };
    std::iter::repeat_with(code).take(RECOVERY_CODES).collect()
}

/// What is stored of a recovery code; however it is typed.
pub fn recovery_hash(code: &str) -> Vec<u8> {
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(typed.to_lowercase()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_one_use() {
        let totp = totp(new_secret(), "ada").unwrap();
        let now = Utc::now();
        let code = totp.generate(now.timestamp().try_into().unwrap()).to_string();
        let step = accepted(&totp, &code, 0, now).unwrap();
        assert_eq!(accepted(&totp, &code, step, now), None);
        assert_eq!(
            accepted(&totp, &code, 0, now + chrono::Duration::minutes(2)),
            None
        );
        assert_eq!(accepted(&totp, "no code", 0, now), None);
    }

    #[test]
    fn the_code_is_that_of_the_standard() {
        // RFC 6238 appendix B, SHA-1; its last six digits.
        let totp = totp(b"12345678901234567890".to_vec(), "ada").unwrap();
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.generate(time).to_string(), code);
        }
    }

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way() {
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let code = &codes[0];
        assert_eq!((code.len(), code.split('-').count()), (29, 6));
        assert_eq!(
            recovery_hash(code),
            recovery_hash(&code.replace('-', " ").to_uppercase())
        );
        assert_ne!(recovery_hash(code), recovery_hash(&codes[1]));
    }
}
