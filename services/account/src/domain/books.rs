//! The books opened for one batch: the locked accounts, the holds, and what is known of its postings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use money::{Currency, Minor};
use uuid::Uuid;

use super::{
    Account, Applied, Decision, Fee, Hold, HoldState, Kind, Outcome, Parties, Posting, Refusal, decide,
};

/// One leg of an applied posting.
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

/// A posting that was decided in these books, and where its entries are.
#[derive(Clone, Debug)]
pub struct Written {
    pub posting: Posting,
    pub outcome: Outcome,
    /// Of the first entry on each side. None: no money has moved.
    pub from_sequence: Option<i64>,
    pub to_sequence: Option<i64>,
    pub fee_sequence: Option<i64>,
}

/// Accounts in memory, to which the postings of a batch are applied one after the other.
#[derive(Clone, Debug)]
pub struct Books {
    now: DateTime<Utc>,
    accounts: BTreeMap<Uuid, Account>,
    /// Where the fees of a currency go, of the currencies in which some may be due.
    fees: HashMap<Currency, Uuid>,
    holds: BTreeMap<Uuid, Hold>,
    decided: HashMap<Uuid, (Posting, Outcome)>,
    written: Vec<Written>,
    entries: Vec<Entry>,
    changed: BTreeSet<Uuid>,
    new_holds: Vec<Uuid>,
    ended_holds: Vec<Uuid>,
}

impl Books {
    /// Opens the books with what is there now, and the postings that were decided earlier.
    pub fn open(
        now: DateTime<Utc>,
        accounts: Vec<Account>,
        fees: HashMap<Currency, Uuid>,
        holds: Vec<Hold>,
        earlier: Vec<(Posting, Outcome)>,
    ) -> Self {
        Self {
            now,
            accounts: accounts
                .into_iter()
                .map(|account| (account.id, account))
                .collect(),
            fees,
            holds: holds.into_iter().map(|hold| (hold.id, hold)).collect(),
            decided: earlier
                .into_iter()
                .map(|(posting, outcome)| (posting.id, (posting, outcome)))
                .collect(),
            written: Vec::new(),
            entries: Vec::new(),
            changed: BTreeSet::new(),
            new_holds: Vec::new(),
            ended_holds: Vec::new(),
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
        let written = match decide(posting, self.parties(posting), self.now) {
            Ok(decision) => self.apply(posting, decision),
            Err(refusal) => Written::refused(posting, refusal),
        };
        self.keep(written)
    }

    /// Applies all postings or none: where one is refused, each other is refused because of it.
    pub fn post_all_or_none(&mut self, postings: &[Posting]) -> Vec<Outcome> {
        let before = self.clone();
        let outcomes: Vec<_> = postings.iter().map(|posting| self.post(posting)).collect();
        if outcomes.iter().all(Result::is_ok) {
            return outcomes;
        }
        *self = before;
        let refusals = outcomes
            .into_iter()
            .map(|outcome| outcome.err().unwrap_or(Refusal::BatchRefused));
        postings
            .iter()
            .zip(refusals)
            .map(|(posting, refusal)| match self.decided.get(&posting.id) {
                // Decided in an earlier batch, or an id that comes twice.
                Some(_) => self.post(posting),
                None => self.keep(Written::refused(posting, refusal)),
            })
            .collect()
    }

    fn keep(&mut self, written: Written) -> Outcome {
        let outcome = written.outcome;
        self.decided
            .insert(written.posting.id, (written.posting.clone(), outcome));
        self.written.push(written);
        outcome
    }

    fn parties(&self, posting: &Posting) -> Parties<'_> {
        let account = |id: Option<Uuid>| self.accounts.get(&id?);
        Parties {
            from: account(posting.from),
            to: account(posting.to),
            hold: posting.hold_id.and_then(|id| self.holds.get(&id)),
            fees: account(self.fees.get(&posting.amount.currency).copied()),
        }
    }

    fn apply(&mut self, posting: &Posting, decision: Decision) -> Written {
        self.hold_or_release(posting, decision);
        let mut written = Written::refused(posting, Refusal::AccountNotFound);
        // `decide` has found both.
        let (Some(from), Some(to)) = (posting.from, posting.to) else {
            return written;
        };
        if decision.moved > Minor::ZERO {
            written.from_sequence = self.enter(posting.id, from, Minor(-decision.moved.0));
            written.to_sequence = self.enter(posting.id, to, decision.moved);
        }
        if let Some(Fee { account, amount }) = decision.fee {
            self.enter(posting.id, to, Minor(-amount.0));
            written.fee_sequence = self.enter(posting.id, account, amount);
        }
        let balance = |id| {
            self.accounts
                .get(&id)
                .map_or(Minor::ZERO, |account| account.balance)
        };
        written.outcome = Ok(Applied {
            from_balance: balance(from),
            to_balance: balance(to),
            fee: decision.fee,
        });
        written
    }

    /// What a posting does to the paying account beside its balance, and to a hold.
    fn hold_or_release(&mut self, posting: &Posting, decision: Decision) {
        let today = self.now.date_naive();
        if let Some(from) = posting.from.and_then(|id| self.accounts.get_mut(&id)) {
            from.held = decision.held;
            if decision.spent > Minor::ZERO {
                from.spent = from.spent_with(decision.spent, today).unwrap_or(from.spent);
                from.spent_on = from.spent_on.max(today);
            }
            self.changed.insert(from.id);
        }
        if let (Kind::Hold, Some(from), Some(to), Some(expires_at)) =
            (posting.kind, posting.from, posting.to, posting.expires_at)
        {
            let hold = Hold {
                id: posting.id,
                from,
                to,
                amount: posting.amount,
                state: HoldState::Authorized,
                captured: Minor::ZERO,
                expires_at,
            };
            self.holds.insert(posting.id, hold);
            self.new_holds.push(posting.id);
        }
        let Some(hold) = posting.hold_id.and_then(|id| self.holds.get_mut(&id)) else {
            return;
        };
        hold.captured = decision.moved;
        hold.state = match posting.kind {
            Kind::Capture => HoldState::Captured,
            Kind::Void => HoldState::Voided,
            _ => HoldState::Expired,
        };
        self.ended_holds.push(hold.id);
    }

    /// Writes an entry and says which number it has. `decide` has refused what does not fit into a balance.
    fn enter(&mut self, posting_id: Uuid, account_id: Uuid, amount: Minor) -> Option<i64> {
        let account = self.accounts.get_mut(&account_id)?;
        account.balance = account.balance.checked_add(amount)?;
        account.sequence += 1;
        self.changed.insert(account_id);
        self.entries.push(Entry {
            posting_id,
            account_id,
            sequence: account.sequence,
            amount,
            balance: account.balance,
        });
        Some(account.sequence)
    }

    /// The owner of an account, if it is a user's.
    pub fn owner(&self, account_id: Uuid) -> Option<Uuid> {
        self.accounts.get(&account_id)?.owner
    }

    /// The entries made since the books were opened, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The postings decided since the books were opened, in their order.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// The accounts that have changed, in id order.
    pub fn changed_accounts(&self) -> impl Iterator<Item = &Account> {
        self.changed.iter().filter_map(|id| self.accounts.get(id))
    }

    /// Holds that were authorised since the books were opened.
    pub fn new_holds(&self) -> impl Iterator<Item = &Hold> {
        self.new_holds.iter().filter_map(|id| self.holds.get(id))
    }

    /// Holds that were there before and have ended since the books were opened.
    pub fn ended_holds(&self) -> impl Iterator<Item = &Hold> {
        self.ended_holds.iter().filter_map(|id| self.holds.get(id))
    }

    /// All accounts, as they are now.
    #[cfg(test)]
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }
}

impl Written {
    fn refused(posting: &Posting, refusal: Refusal) -> Self {
        Self {
            posting: posting.clone(),
            outcome: Err(refusal),
            from_sequence: None,
            to_sequence: None,
            fee_sequence: None,
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
