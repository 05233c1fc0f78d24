//! The SQL of this service. Functions take a connection; the caller owns the transaction.

pub mod account_types;
pub mod accounts;
pub mod balances;
pub mod history;
pub mod holds;
pub mod ledger;
pub mod seals;
pub mod statements;
pub mod verifications;
pub mod verify;

/// A row holds a word that this version does not know: a migration and the code don't fit together.
#[derive(Debug)]
struct UnknownWord(String);

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown word in a row: {}", self.0)
    }
}

impl std::error::Error for UnknownWord {}

/// Reads a word that a CHECK in the database has limited to the known ones.
fn known<T>(word: &str, parse: impl FnOnce(&str) -> Option<T>) -> sqlx::Result<T> {
    parse(word).ok_or_else(|| sqlx::Error::Decode(Box::new(UnknownWord(word.to_owned()))))
}
