//! What the auditor makes of an account: as the ledger says, and as the events say.
//!
//! The events are read first, the ledger afterwards. Every event follows the commit of its entries, so all entries that the
//! auditor knows by then are in what the ledger answers. Hence there is no false alarm: with as many entries on both sides
//! they are the same entries, and their sums have to be equal; with more on the auditor's side, the ledger lacks some. In
//! the other order the ledger's two entries and the auditor's two could be different ones, while one event is on its way.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One change of one account, as an event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    pub account_id: Uuid,
    pub amount_minor: i64,
}

/// How an account stands. One that is not there stands as one without entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Balance {
    pub balance_minor: i64,
    pub entries: i64,
}

/// An account on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub ledger: Balance,
    pub audited: Balance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The ledger has more entries than were announced; the events may be on their way.
    Behind,
    /// They were on their way for too long.
    EventsMissing,
    /// The same entries have another sum.
    BalanceDiffers,
    /// More entries were announced than the ledger has.
    UnknownEntries,
}

impl Kind {
    pub const DIFFERENCES: [Self; 3] = [Self::EventsMissing, Self::BalanceDiffers, Self::UnknownEntries];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::EventsMissing => "events_missing",
            Self::BalanceDiffers => "balance_differs",
            Self::UnknownEntries => "unknown_entries",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Behind]
            .into_iter()
            .chain(Self::DIFFERENCES)
            .find(|known| known.as_str() == text)
    }
}

/// An account that does not stand the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub account: Account,
    /// How many entries the ledger had when this began.
    pub waits_for: i64,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

impl Account {
    /// What there is to say of it, if `known` was said of it before.
    pub fn judge(self, known: Option<&Finding>, now: DateTime<Utc>, grace: TimeDelta) -> Option<Finding> {
        let (ledger, audited) = (self.ledger, self.audited);
        let kind = if ledger == audited {
            return None;
        } else if audited.entries > ledger.entries {
            Kind::UnknownEntries
        } else if audited.entries == ledger.entries {
            Kind::BalanceDiffers
        } else {
            Kind::Behind
        };
        let new = Finding {
            kind,
            account: self,
            waits_for: ledger.entries,
            first_seen_at: now,
            last_seen_at: now,
        };
        Some(known.map_or(new, |known| new.after(known, grace)))
    }
}

impl Finding {
    pub fn is_difference(&self) -> bool {
        self.kind != Kind::Behind
    }

    /// The same as `known`, if that still lasts. Who is behind has caught up as soon as there are as many entries as were
    /// waited for: then it is behind others, whose time begins now. So an account that always moves is never blamed for
    /// what is on its way; an event that is missing shows when the account rests, or at the other account that it names.
    fn after(self, known: &Self, grace: TimeDelta) -> Self {
        let both_wait = [known.kind, self.kind]
            .iter()
            .all(|kind| matches!(kind, Kind::Behind | Kind::EventsMissing));
        let lasts = if both_wait {
            self.account.audited.entries < known.waits_for
        } else {
            self.kind == known.kind
        };
        if !lasts {
            return self;
        }
        let too_long = both_wait && self.last_seen_at - known.first_seen_at >= grace;
        Self {
            kind: if too_long { Kind::EventsMissing } else { self.kind },
            waits_for: known.waits_for,
            first_seen_at: known.first_seen_at,
            ..self
        }
    }
}

/// The accounts of two lists side by side, both in the order of ids, up to `end`, behind which one of them is not whole.
pub fn side_by_side(
    ledger: impl IntoIterator<Item = (Uuid, Balance)>,
    audited: impl IntoIterator<Item = (Uuid, Balance)>,
    end: Option<Uuid>,
) -> Vec<Account> {
    let mut accounts = BTreeMap::<Uuid, (Balance, Balance)>::new();
    for (id, balance) in ledger {
        accounts.entry(id).or_default().0 = balance;
    }
    for (id, balance) in audited {
        accounts.entry(id).or_default().1 = balance;
    }
    accounts
        .into_iter()
        .filter(|(id, _)| end.is_none_or(|end| *id <= end))
        .map(|(id, (ledger, audited))| Account { id, ledger, audited })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: TimeDelta = TimeDelta::seconds(60);

    fn balance((balance_minor, entries): (i64, i64)) -> Balance {
        Balance {
            balance_minor,
            entries,
        }
    }

    fn account(ledger: (i64, i64), audited: (i64, i64)) -> Account {
        Account {
            id: Uuid::from_u128(1),
            ledger: balance(ledger),
            audited: balance(audited),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn judged(account: Account, known: Option<&Finding>, seconds: i64) -> Option<(Kind, i64)> {
        let finding = account.judge(known, at(seconds), GRACE)?;
        Some((finding.kind, finding.first_seen_at.timestamp()))
    }

    #[test]
    fn the_same_entries_have_the_same_sum() {
        assert_eq!(judged(account((5, 2), (5, 2)), None, 0), None);
        assert_eq!(
            judged(account((5, 2), (4, 2)), None, 0),
            Some((Kind::BalanceDiffers, 0))
        );
        assert_eq!(
            judged(account((5, 2), (5, 3)), None, 0),
            Some((Kind::UnknownEntries, 0))
        );
        assert_eq!(
            judged(account((0, 0), (5, 1)), None, 0).unwrap().0,
            Kind::UnknownEntries
        );
        assert_eq!(
            judged(account((5, 0), (0, 0)), None, 0).unwrap().0,
            Kind::BalanceDiffers
        );
    }

    #[test]
    fn events_are_missing_when_they_were_on_their_way_for_too_long() {
        let late = account((5, 2), (1, 1));
        let behind = late.judge(None, at(0), GRACE).unwrap();
        assert_eq!(behind.kind, Kind::Behind);
        assert_eq!(judged(late, Some(&behind), 59), Some((Kind::Behind, 0)));
        assert_eq!(judged(late, Some(&behind), 60), Some((Kind::EventsMissing, 0)));
        let missing = late.judge(Some(&behind), at(60), GRACE).unwrap();
        // The ledger has gone on meanwhile, and one of the two events came: still not what was waited for at first.
        assert_eq!(
            judged(account((7, 4), (1, 1)), Some(&missing), 70),
            Some((Kind::EventsMissing, 0))
        );
        assert_eq!(judged(account((5, 2), (5, 2)), Some(&missing), 70), None);
    }

    #[test]
    fn an_account_that_always_moves_is_behind_anew_each_time() {
        let behind = account((5, 2), (1, 1)).judge(None, at(0), GRACE).unwrap();
        assert_eq!(
            judged(account((9, 4), (7, 3)), Some(&behind), 90),
            Some((Kind::Behind, 90))
        );
    }

    #[test]
    fn a_difference_of_another_kind_begins_anew() {
        let differs = account((5, 2), (4, 2)).judge(None, at(0), GRACE).unwrap();
        assert_eq!(
            judged(account((5, 2), (4, 2)), Some(&differs), 90),
            Some((Kind::BalanceDiffers, 0))
        );
        assert_eq!(
            judged(account((6, 3), (4, 2)), Some(&differs), 90),
            Some((Kind::Behind, 90))
        );
    }

    #[test]
    fn accounts_that_one_side_does_not_know_stand_there_without_entries() {
        let id = Uuid::from_u128;
        let (ledger, audited) = (
            [(id(1), balance((5, 2)))],
            [(id(2), balance((3, 1))), (id(3), balance((1, 1)))],
        );
        let seen = side_by_side(ledger, audited, Some(id(2)));
        let sides = |account: &Account| (account.id, account.ledger.entries, account.audited.entries);
        assert_eq!(
            seen.iter().map(sides).collect::<Vec<_>>(),
            [(id(1), 2, 0), (id(2), 0, 1)]
        );
    }
}
