//! Which passwords are good enough: long, hard to guess by what zxcvbn knows, and not on the list of those that leaked.

use std::collections::HashSet;
use std::sync::LazyLock;

use problem::{FieldError, Problem, Result};
use zxcvbn::{Score, zxcvbn};

/// More than ten million million guesses would have to be tried, zxcvbn says.
const GOOD_ENOUGH: Score = Score::Three;

/// The 5,000 most used passwords of those that are long enough to be taken: of Mark Burnett's ten million that leaked.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common-passwords.txt").lines().collect());

/// What everybody here thinks of first.
const OURS: [&str; 1] = ["payme"];

/// Judges a password of somebody whose names are known: those make bad passwords.
pub fn check(field: &str, password: &str, names: &[&str]) -> Result<()> {
    let message = if COMMON.contains(password.to_lowercase().as_str()) {
        "is on the list of passwords that leaked".to_owned()
    } else {
        let estimate = zxcvbn(password, &[names, &OURS].concat());
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
    fn the_list_is_as_long_as_it_has_to_be_and_can_be_matched() {
        assert!(COMMON.len() >= 3000, "{}", COMMON.len());
        for password in COMMON.iter() {
            assert!(
                password.chars().count() >= 12 && *password == password.to_lowercase(),
                "{password}"
            );
        }
    }

    #[test]
    fn the_name_of_what_we_make_is_a_bad_password_too() {
        assert!(check("password", "payme-payme-payme", &[]).is_err());
    }

    #[test]
    fn ones_own_name_is_no_password() {
        let names = ["alexandrina", "alexandrina@example.com"];
        assert!(check("password", "alexandrina1", &names).is_err());
        assert!(check("password", "alexandrina@example.com", &names).is_err());
    }
}
