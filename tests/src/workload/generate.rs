//! What the workers ask for: a pure function of the seed and the worker's number, whatever the system answers.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::operation::{ACCOUNTS, Action, Delivery, Move, NOWHERE, Operation, Part, USERS, owner};

/// An operation refers to one of as many before it.
const MEMORY: usize = 25;

/// An endless sequence of operations.
pub struct Generator {
    rng: StdRng,
    made: Vec<(usize, Action)>,
}

impl Generator {
    pub fn new(seed: u64, worker: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(worker));
        Self {
            rng,
            made: Vec::new(),
        }
    }

    fn action(&mut self) -> (usize, Action) {
        match self.rng.random_range(0..100) {
            0..26 => self.transfer(),
            26..32 => self.top_up(),
            32..38 => self.withdrawal(),
            38..50 => self.hold(),
            50..66 => self.end_hold(),
            66..74 => self.refund(),
            74..80 => self.batch(),
            80..88 => self.again(),
            88..94 => (self.user(), Action::Balance),
            _ => (self.user(), Action::History),
        }
    }

    fn transfer(&mut self) -> (usize, Action) {
        let what = self.bent_move();
        (self.spender(what.from), Action::Transfer(what))
    }

    fn top_up(&mut self) -> (usize, Action) {
        let to = self.user();
        let amount = self.bent_amount();
        (to, Action::TopUp { to, amount })
    }

    fn withdrawal(&mut self) -> (usize, Action) {
        let from = self.account();
        let amount = self.bent_amount();
        (self.spender(from), Action::Withdrawal { from, amount })
    }

    fn hold(&mut self) -> (usize, Action) {
        let mut what = self.bent_move();
        // A merchant account makes no holds: one in some tries shows that.
        if self.rng.random_ratio(9, 10) && what.from != NOWHERE {
            what.from = owner(what.from);
        }
        let seconds = if self.rng.random_ratio(1, 4) {
            self.rng.random_range(1..4)
        } else {
            86_400
        };
        (self.spender(what.from), Action::Hold { what, seconds })
    }

    fn end_hold(&mut self) -> (usize, Action) {
        let Some((hold, what)) = self.earlier(|action| match action {
            Action::Hold { what, .. } => Some(*what),
            _ => None,
        }) else {
            return self.hold();
        };
        let actor = self.spender(what.to);
        let action = match self.rng.random_range(0..10) {
            0..6 => Action::Capture {
                hold,
                part: self.part(),
            },
            6..9 => Action::Void { hold },
            _ => Action::EndTwice { hold },
        };
        (actor, action)
    }

    fn refund(&mut self) -> (usize, Action) {
        let Some((of, payee)) = self.earlier(|action| match action {
            Action::Transfer(what) => Some(owner(what.to)),
            Action::Capture { .. } => Some(USERS),
            _ => None,
        }) else {
            return self.transfer();
        };
        // Who captured is who received.
        let payee = if payee == USERS { self.made[of].0 } else { payee };
        let part = self.part();
        (self.spender(payee), Action::Refund { of, part })
    }

    fn batch(&mut self) -> (usize, Action) {
        let from = self.account();
        let items = (0..self.rng.random_range(1..12))
            .map(|_| {
                let to = self.account_but(from);
                let amount = self.amount();
                Move { from, to, amount }
            })
            .collect();
        let atomic = self.rng.random_bool(0.5);
        (owner(from), Action::Batch { items, atomic })
    }

    fn again(&mut self) -> (usize, Action) {
        let Some((of, ())) = self.earlier(|action| match action {
            Action::Balance
            | Action::History
            | Action::EndTwice { .. }
            | Action::Repeat { .. }
            | Action::Reuse { .. } => None,
            _ => Some(()),
        }) else {
            return self.transfer();
        };
        let actor = self.made[of].0;
        if self.rng.random_ratio(2, 3) {
            (actor, Action::Repeat { of })
        } else {
            (actor, Action::Reuse { of })
        }
    }

    /// One of the last operations that `wanted` takes.
    fn earlier<T>(&mut self, wanted: impl Fn(&Action) -> Option<T>) -> Option<(usize, T)> {
        let first = self.made.len().saturating_sub(MEMORY);
        let mut found: Vec<_> = (first..self.made.len())
            .filter_map(|number| Some((number, wanted(&self.made[number].1)?)))
            .collect();
        if found.is_empty() {
            return None;
        }
        let place = self.rng.random_range(0..found.len());
        Some(found.swap_remove(place))
    }

    fn user(&mut self) -> usize {
        self.rng.random_range(0..USERS)
    }

    fn account(&mut self) -> usize {
        self.rng.random_range(0..ACCOUNTS)
    }

    fn account_but(&mut self, other: usize) -> usize {
        (other + self.rng.random_range(1..ACCOUNTS)) % ACCOUNTS
    }

    /// The owner, and now and then somebody else.
    fn spender(&mut self, account: usize) -> usize {
        if self.rng.random_ratio(1, 40) {
            self.user()
        } else {
            owner(account)
        }
    }

    /// Sometimes more than an account has.
    fn amount(&mut self) -> i64 {
        if self.rng.random_ratio(1, 12) {
            self.rng.random_range(10_000..60_000)
        } else {
            self.rng.random_range(1..2_000)
        }
    }

    fn bent_amount(&mut self) -> i64 {
        if self.rng.random_ratio(1, 15) {
            *[0, -1, i64::MIN, i64::MAX].choose(&mut self.rng).unwrap_or(&0)
        } else {
            self.amount()
        }
    }

    fn bent_move(&mut self) -> Move {
        let from = self.account();
        let mut to = self.account_but(from);
        match self.rng.random_range(0..40) {
            0 => to = from,
            1 => to = NOWHERE,
            _ => {}
        }
        let amount = self.bent_amount();
        Move { from, to, amount }
    }

    fn part(&mut self) -> Part {
        match self.rng.random_range(0..10) {
            0..4 => Part::All,
            4..9 => Part::Percent(self.rng.random_range(1..100)),
            _ => Part::TooMuch,
        }
    }
}

impl Iterator for Generator {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let (actor, action) = self.action();
        self.made.push((actor, action.clone()));
        let delivery = match self.rng.random_range(0..20) {
            0 => Delivery::Twice,
            1..3 => Delivery::Cut(self.rng.random_range(0..25)),
            _ => Delivery::Once,
        };
        Some(Operation {
            actor,
            action,
            delivery,
            reads_back: self.rng.random_ratio(1, 4),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, worker: u64) -> Vec<String> {
        let operations = Generator::new(seed, worker).take(500);
        operations
            .map(|operation| {
                format!(
                    "{} {:?} {:?}",
                    operation.actor, operation.action, operation.delivery
                )
            })
            .collect()
    }

    #[test]
    fn a_seed_gives_the_same_operations_and_another_gives_others() {
        assert_eq!(first(42, 3), first(42, 3));
        assert_ne!(first(42, 3), first(42, 4));
        assert_ne!(first(42, 3), first(43, 3));
    }

    #[test]
    fn every_kind_of_operation_comes() {
        let names: std::collections::BTreeSet<_> = Generator::new(1, 0)
            .take(500)
            .map(|operation| operation.action.name())
            .collect();
        assert_eq!(names.len(), 13, "{names:?}");
    }
}
