//! The books opened for one batch: the locked accounts and what is known of its postings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use money::Minor;
use uuid::Uuid;

use super::{Account, Outcome, Posting, Refusal, decide};

/// One side of an applied posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub posting_id: Uuid,
    pub account_id: Uuid,
    /// Counts the entries of the account from 1, without gaps.
    pub sequence: i64,
    /// Negative: money leaves the account.
    pub amount: Minor,
    /// The balance right after it.
    pub balance: Minor,
}

/// Accounts in memory, to which the postings of a batch are applied one after the other.
#[derive(Debug, Default)]
pub struct Books {
    accounts: BTreeMap<Uuid, Account>,
    decided: HashMap<Uuid, (Posting, Outcome)>,
    new_postings: Vec<Uuid>,
    entries: Vec<Entry>,
    changed: BTreeSet<Uuid>,
}

impl Books {
    /// Opens the books with the accounts as they are, and the postings that were decided earlier.
    pub fn open(accounts: Vec<Account>, earlier: Vec<(Posting, Outcome)>) -> Self {
        Self {
            accounts: accounts
                .into_iter()
                .map(|account| (account.id, account))
                .collect(),
            decided: earlier
                .into_iter()
                .map(|(posting, outcome)| (posting.id, (posting, outcome)))
                .collect(),
            ..Self::default()
        }
    }

    /// Decides a posting and applies it; a repeat gets its first outcome.
    pub fn post(&mut self, posting: &Posting) -> Outcome {
        if let Some((first, outcome)) = self.decided.get(&posting.id) {
            return if first == posting {
                *outcome
            } else {
                Err(Refusal::PostingIdReused)
            };
        }
        let from = posting.from.and_then(|id| self.accounts.get(&id));
        let outcome = decide(posting, from, self.accounts.get(&posting.to));
        if let (Ok(applied), Some(from)) = (outcome, posting.from) {
            // `decide` has refused the amounts that can't be negated.
            let debit = posting
                .amount
                .amount_minor
                .checked_neg()
                .ok_or(Refusal::InvalidAmount)?;
            self.enter(posting.id, from, debit, applied.from_balance);
            self.enter(
                posting.id,
                posting.to,
                posting.amount.amount_minor,
                applied.to_balance,
            );
        }
        self.decided.insert(posting.id, (posting.clone(), outcome));
        self.new_postings.push(posting.id);
        outcome
    }

    fn enter(&mut self, posting_id: Uuid, account_id: Uuid, amount: Minor, balance: Minor) {
        if let Some(account) = self.accounts.get_mut(&account_id) {
            account.balance = balance;
            account.sequence += 1;
            self.changed.insert(account_id);
            self.entries.push(Entry {
                posting_id,
                account_id,
                sequence: account.sequence,
                amount,
                balance,
            });
        }
    }

    /// The owner of an account, if it is a user's.
    pub fn owner(&self, account_id: Uuid) -> Option<Uuid> {
        self.accounts.get(&account_id)?.owner
    }

    /// The entries made since the books were opened, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The postings decided since the books were opened.
    pub fn new_postings(&self) -> impl Iterator<Item = (&Posting, &Outcome)> {
        self.new_postings
            .iter()
            .filter_map(|id| self.decided.get(id))
            .map(|(posting, outcome)| (posting, outcome))
    }

    /// The accounts that have new entries, in id order.
    pub fn changed_accounts(&self) -> impl Iterator<Item = &Account> {
        self.changed.iter().filter_map(|id| self.accounts.get(id))
    }

    /// All accounts, as they are now.
    #[cfg(test)]
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
