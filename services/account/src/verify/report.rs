//! What a verification found.

use std::fmt;

use chain::Head;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store;

/// One promise of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Along each account, sequences have no gap and each balance is the one before plus the amount.
    RunningBalances,
    /// Each account has the balance and the sequence of its last entry.
    AccountBalances,
    /// Each posting has exactly its entries, and each entry its posting.
    Legs,
    /// Postings that moved nothing name no entries; the others are in the currency of their accounts.
    Postings,
    /// The balances of each currency sum to zero.
    Sums,
    /// No account has less available than its limit.
    Limits,
    /// What is held on each account is the sum of its open holds.
    Held,
    /// Each hold was authorised by a posting and has ended at most once, as the posting that ended it says.
    Holds,
    /// Each posting is in the chain once, or waits for it.
    ChainMembers,
    /// Each hash of the chain is that of what is there now, and no number is missing.
    ChainHashes,
    /// The head that was kept earlier is in the chain.
    KeptHead,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As in JSON, so that one name leads to one line of the documentation.
        self.serialize(f)
    }
}

/// The first place at which a promise is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    pub check: Check,
    /// Names the smallest account and sequence, posting, hold or seal that is wrong.
    pub place: String,
    pub expected: String,
    pub found: String,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    pub accounts: i64,
    pub entries: i64,
    pub postings: i64,
    pub holds: i64,
    pub seals: i64,
    /// Batches of postings that wait for the chain.
    pub unsealed: i64,
}

impl From<store::verify::Counts> for Counts {
    fn from(counts: store::verify::Counts) -> Self {
        Self {
            accounts: counts.accounts,
            entries: counts.entries,
            postings: counts.postings,
            holds: counts.holds,
            seals: counts.seals,
            unsealed: counts.unsealed,
        }
    }
}

/// What a verification found. The books are sound if there are no differences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub started_at: DateTime<Utc>,
    pub took_ms: u64,
    pub counts: Counts,
    /// The newest link of the chain, or the last one that is sound. To be kept elsewhere.
    #[schema(value_type = String, example = "1:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    pub head: Head,
    /// The first difference of each check that found one.
    pub differences: Vec<Difference>,
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(
            f,
            "accounts {}, entries {}, postings {}, holds {}, seals {}, batches that wait for a seal {}",
            counts.accounts, counts.entries, counts.postings, counts.holds, counts.seals, counts.unsealed
        )?;
        writeln!(f, "head {}", self.head)?;
        writeln!(f, "took {} ms", self.took_ms)?;
        for Difference {
            check,
            place,
            expected,
            found,
        } in &self.differences
        {
            writeln!(
                f,
                "DIFFERENCE {check}: {place}: expected {expected}; found {found}"
            )?;
        }
        let verdict = if self.is_sound() { "sound" } else { "NOT SOUND" };
        write!(f, "the books are {verdict}")
    }
}
