//! Which passwords are good enough: long, hard to guess by what zxcvbn knows, and not on the list of those that leaked.

use std::collections::HashSet;
use std::sync::LazyLock;

use problem::{FieldError, Problem, Result};
use zxcvbn::{Score, zxcvbn};

/// More than ten million million guesses would have to be tried, zxcvbn says.
const GOOD_ENOUGH: Score = Score::Three;

/// Those of the much used passwords that are long enough to be taken.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common-passwords.txt").lines().collect());

/// Judges a password of somebody whose names are known: those make bad passwords.
pub fn check(field: &str, password: &str, names: &[&str]) -> Result<()> {
    let message = if COMMON.contains(password.to_lowercase().as_str()) {
        "is on the list of passwords that leaked".to_owned()
    } else {
        let estimate = zxcvbn(password, names);
        if estimate.score() >= GOOD_ENOUGH {
            return Ok(());
        }
        let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        warning.map_or_else(|| "is easy to guess".to_owned(), |warning| warning.to_string())
    };
    Err(Problem::new(
        axum::http::StatusCode::UNPROCESSABLE_ENTITY,
        "weak_password",
        "This password is too easy to guess",
    )
    .errors(vec![FieldError {
        field: field.to_owned(),
        message,
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_and_leaked_passwords_are_refused() {
        for bad in [
            "123456789012",
            "passwordpassword",
            "aaaaaaaaaaaaaa",
            "qwertyuiop12",
            "pe#5gz29PTZMSE",
        ] {
            assert!(check("password", bad, &[]).is_err(), "{bad}");
        }
        assert!(check("password", "correct horse battery staple", &[]).is_ok());
    }

    #[test]
    fn ones_own_name_is_no_password() {
        let names = ["alexandrina", "alexandrina@example.com"];
        assert!(check("password", "alexandrina1", &names).is_err());
        assert!(check("password", "alexandrina@example.com", &names).is_err());
    }
}
