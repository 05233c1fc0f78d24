//! What a username, an email address and a password may be.

/// The form in which names and addresses are compared and stored.
pub fn normal(text: &str) -> String {
    text.trim().to_lowercase()
}

/// For `garde`: 3 to 32 letters, digits, `_`, `.` and `-`, and a letter or digit first; case does not count.
pub fn is_username(value: &str, _: &()) -> garde::Result {
    let name = normal(value);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if (3..=32).contains(&name.len()) && starts_well && name.chars().all(allowed) {
        return Ok(());
    }
    Err(garde::Error::new(
        "needs 3 to 32 letters, digits, '_', '.' or '-', and begins with a letter or digit",
    ))
}

/// For `garde`: SHA-256 in lower-case hexadecimal, as the gateway names sessions and devices.
pub fn is_sha256(value: &str, _: &()) -> garde::Result {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if value.len() == 64 && value.bytes().all(hex) {
        return Ok(());
    }
    Err(garde::Error::new("is no SHA-256 in lower-case hexadecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!(normal(" Alice "), "alice");
        assert!(is_username("Alice.B-1", &()).is_ok());
    }

    #[test]
    fn odd_names_are_refused() {
        for bad in ["ab", "-abc", "a b c", "ali\u{e7}e", "a@b", &"x".repeat(33)] {
            assert!(is_username(bad, &()).is_err(), "{bad}");
        }
    }
}
