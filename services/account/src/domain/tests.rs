use chrono::{NaiveDate, TimeDelta};
use money::Money;
use proptest::prelude::*;

use super::*;
use crate::domain::{Kinds, Rules, Status};

const OUTSIDE: Uuid = Uuid::from_u128(1);
const FEES: Uuid = Uuid::from_u128(2);
const NOON: DateTime<Utc> = DateTime::from_timestamp(1_800_014_400, 0).unwrap();

fn eur(amount: i64) -> Money {
    Money {
        amount_minor: Minor(amount),
        currency: "EUR".parse().unwrap(),
    }
}

fn rules(pays: &[Kind], receives: &[Kind]) -> Rules {
    Rules {
        pays: pays.iter().copied().collect(),
        receives: receives.iter().copied().collect(),
        fee_basis_points: 0,
    }
}

/// The account `10 + number` of the user `100 + number`.
fn current(number: u128, balance: i64) -> Account {
    Account {
        id: Uuid::from_u128(10 + number),
        owner: Some(Uuid::from_u128(100 + number)),
        currency: "EUR".parse().unwrap(),
        status: Status::Open,
        balance: Minor(balance),
        held: Minor::ZERO,
        limit: Some(Minor::ZERO),
        max_per_movement: None,
        max_per_day: None,
        spent: Minor::ZERO,
        spent_on: NaiveDate::MIN,
        sequence: 0,
        rules: rules(
            &[Kind::Transfer, Kind::Withdrawal, Kind::Hold, Kind::Refund],
            &[
                Kind::Transfer,
                Kind::TopUp,
                Kind::Deposit,
                Kind::Hold,
                Kind::Refund,
            ],
        ),
    }
}

/// As [`current`], and it pays half a percent of what it receives.
fn merchant(number: u128, balance: i64) -> Account {
    let account = current(number, balance);
    let rules = Rules {
        fee_basis_points: 50,
        ..account.rules
    };
    Account { rules, ..account }
}

fn system(id: Uuid, limit: Option<Minor>, rules: Rules) -> Account {
    Account {
        id,
        owner: None,
        limit,
        rules,
        ..current(0, 0)
    }
}

fn external() -> Account {
    let rules = rules(&[Kind::TopUp, Kind::Deposit], &[Kind::Withdrawal]);
    system(OUTSIDE, None, rules)
}

fn fees() -> Account {
    system(FEES, Some(Minor::ZERO), rules(&[], &[]))
}

fn posting(id: u128, kind: Kind, from: &Account, to: &Account, amount: i64) -> Posting {
    Posting {
        id: Uuid::from_u128(id),
        kind,
        initiator: from.owner.or(to.owner).unwrap(),
        by_operator: false,
        from: Some(from.id),
        to: Some(to.id),
        amount: eur(amount),
        hold_id: None,
        expires_at: (kind == Kind::Hold).then_some(NOON + TimeDelta::hours(1)),
    }
}

fn transfer(id: u128, from: &Account, to: &Account, amount: i64) -> Posting {
    posting(id, Kind::Transfer, from, to, amount)
}

/// What ends the hold of the posting `hold`.
fn end(id: u128, kind: Kind, hold: &Posting, initiator: &Account, amount: i64) -> Posting {
    Posting {
        id: Uuid::from_u128(id),
        kind,
        initiator: initiator.owner.unwrap(),
        amount: eur(amount),
        hold_id: Some(hold.id),
        expires_at: None,
        ..hold.clone()
    }
}

fn open(accounts: &[&Account]) -> Books {
    let mut all: Vec<_> = accounts.iter().map(|account| (*account).clone()).collect();
    all.push(fees());
    let fees_of = HashMap::from([("EUR".parse().unwrap(), FEES)]);
    Books::open(NOON, all, fees_of, vec![], vec![])
}

fn decided(posting: &Posting, from: &Account, to: &Account) -> Outcome {
    open(&[from, to]).post(posting)
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with outcomes")]
fn balances(from: i64, to: i64) -> Outcome {
    Ok(Applied {
        from_balance: Minor(from),
        to_balance: Minor(to),
        fee: None,
    })
}

fn account(books: &Books, id: Uuid) -> &Account {
    books.accounts().find(|account| account.id == id).unwrap()
}

#[test]
fn a_transfer_moves_all_that_is_available_and_not_one_more() {
    let (payer, payee) = (
        Account {
            held: Minor(30),
            ..current(0, 100)
        },
        current(1, 5),
    );
    let outcome = decided(&transfer(1, &payer, &payee, 70), &payer, &payee);
    assert_eq!(outcome, balances(30, 75));
    let outcome = decided(&transfer(1, &payer, &payee, 71), &payer, &payee);
    assert_eq!(outcome, Err(Refusal::InsufficientFunds));
}

#[test]
fn an_overdraft_limit_is_used_to_its_end() {
    let (payer, payee) = (
        Account {
            limit: Some(Minor(-50)),
            ..current(0, 0)
        },
        current(1, 0),
    );
    assert!(decided(&transfer(1, &payer, &payee, 50), &payer, &payee).is_ok());
    assert_eq!(
        decided(&transfer(1, &payer, &payee, 51), &payer, &payee),
        Err(Refusal::InsufficientFunds)
    );
}

#[test]
fn each_refusal_has_its_own_code() {
    let (payer, payee) = (current(0, 100), current(1, 0));
    let one = transfer(1, &payer, &payee, 1);
    let with = |change: fn(&mut Account)| {
        let mut other = payee.clone();
        change(&mut other);
        decided(&one, &payer, &other)
    };
    assert_eq!(
        with(|payee| payee.currency = "USD".parse().unwrap()),
        Err(Refusal::CurrencyMismatch)
    );
    assert_eq!(
        with(|payee| payee.status = Status::Frozen),
        Err(Refusal::AccountFrozen)
    );
    assert_eq!(
        with(|payee| payee.status = Status::Closed),
        Err(Refusal::AccountClosed)
    );
    assert_eq!(
        with(|payee| payee.balance = Minor(i64::MAX)),
        Err(Refusal::BalanceOverflow)
    );
    assert_eq!(
        with(|payee| payee.rules.receives = Kinds::default()),
        Err(Refusal::MovementNotAllowed)
    );
    assert_eq!(with(|payee| payee.owner = None), Err(Refusal::AccountNotFound));
    assert_eq!(open(&[&payer]).post(&one), Err(Refusal::AccountNotFound));
    let stranger = Posting {
        initiator: Uuid::from_u128(7),
        by_operator: true,
        ..one.clone()
    };
    assert_eq!(decided(&stranger, &payer, &payee), Err(Refusal::AccountNotFound));
    let to_self = Posting {
        to: one.from,
        ..one.clone()
    };
    assert_eq!(decided(&to_self, &payer, &payer), Err(Refusal::SameAccount));
    for amount in [0, -1, i64::MIN] {
        assert_eq!(
            decided(&transfer(1, &payer, &payee, amount), &payer, &payee),
            Err(Refusal::InvalidAmount)
        );
    }
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::parse(refusal.code()), Some(refusal));
    }
}

#[test]
fn a_top_up_reaches_own_accounts_only_and_a_deposit_any() {
    let (outside, payee) = (external(), current(1, 0));
    let top_up = Posting {
        initiator: Uuid::from_u128(7),
        ..posting(1, Kind::TopUp, &outside, &payee, 5)
    };
    assert_eq!(decided(&top_up, &outside, &payee), Err(Refusal::AccountNotFound));
    let own = Posting {
        initiator: payee.owner.unwrap(),
        ..top_up.clone()
    };
    assert_eq!(decided(&own, &outside, &payee), balances(-5, 5));
    let deposit = Posting {
        kind: Kind::Deposit,
        by_operator: true,
        ..top_up
    };
    assert!(decided(&deposit, &outside, &payee).is_ok());
}

#[test]
fn a_withdrawal_is_the_owners_or_an_operators() {
    let (payer, outside) = (current(0, 10), external());
    let own = posting(1, Kind::Withdrawal, &payer, &outside, 10);
    assert_eq!(decided(&own, &payer, &outside), balances(0, 10));
    let strangers = Posting {
        initiator: Uuid::from_u128(7),
        ..own
    };
    assert_eq!(
        decided(&strangers, &payer, &outside),
        Err(Refusal::AccountNotFound)
    );
    let operators = Posting {
        by_operator: true,
        ..strangers
    };
    assert!(decided(&operators, &payer, &outside).is_ok());
}

#[test]
fn what_leaves_in_a_day_is_limited_and_a_new_day_begins_at_zero() {
    let yesterday = NOON.date_naive().pred_opt().unwrap();
    let payer = Account {
        max_per_movement: Some(Minor(50)),
        max_per_day: Some(Minor(80)),
        spent: Minor(79),
        spent_on: yesterday,
        ..current(0, 1_000)
    };
    let payee = current(1, 0);
    let savings = Account {
        owner: payer.owner,
        ..current(2, 0)
    };
    let mut books = open(&[&payer, &payee, &savings]);
    assert_eq!(
        books.post(&transfer(1, &payer, &payee, 51)),
        Err(Refusal::MovementLimitExceeded)
    );
    assert!(books.post(&transfer(2, &payer, &payee, 50)).is_ok());
    assert_eq!(
        books.post(&posting(3, Kind::Hold, &payer, &payee, 31)),
        Err(Refusal::DailyLimitExceeded)
    );
    assert!(books.post(&posting(4, Kind::Hold, &payer, &payee, 30)).is_ok());
    assert!(
        books.post(&transfer(5, &payer, &savings, 500)).is_ok(),
        "an own account is no limit"
    );
    let payer = account(&books, payer.id);
    assert_eq!((payer.spent, payer.spent_on), (Minor(80), NOON.date_naive()));
}

#[test]
fn a_fee_goes_on_as_further_legs_rounded_down() {
    let (payer, shop) = (current(0, 1_000), merchant(1, 0));
    let mut books = open(&[&payer, &shop]);
    let fee = |amount| Fee {
        account: FEES,
        amount: Minor(amount),
    };
    assert_eq!(
        books.post(&transfer(1, &payer, &shop, 599)),
        Ok(Applied {
            from_balance: Minor(401),
            to_balance: Minor(597),
            fee: Some(fee(2)),
        })
    );
    let amounts: Vec<_> = books.entries().iter().map(|entry| entry.amount.0).collect();
    assert_eq!(amounts, [-599, 599, -2, 2]);
    assert_eq!(
        books.post(&transfer(2, &payer, &shop, 199)).unwrap().fee,
        None,
        "less than one minor unit is no fee"
    );
    let back = posting(3, Kind::Refund, &shop, &payer, 599);
    assert_eq!(books.post(&back).unwrap().fee, None, "a fee is not given back");
}

#[test]
fn a_hold_reserves_and_is_captured_once_with_the_rest_released() {
    let (payer, shop) = (current(0, 100), merchant(1, 0));
    let mut books = open(&[&payer, &shop]);
    let hold = posting(1, Kind::Hold, &payer, &shop, 80);
    assert_eq!(books.post(&hold), balances(100, 0));
    assert_eq!(
        books.post(&transfer(2, &payer, &shop, 21)),
        Err(Refusal::InsufficientFunds),
        "what is held is not available"
    );
    assert_eq!(
        books.post(&end(3, Kind::Capture, &hold, &shop, 81)),
        Err(Refusal::CaptureExceedsHold)
    );
    assert_eq!(
        books.post(&end(4, Kind::Capture, &hold, &payer, 50)),
        Err(Refusal::HoldNotFound),
        "it is not the payer's to capture"
    );
    assert_eq!(
        books.post(&end(5, Kind::Expiry, &hold, &shop, 80)),
        Err(Refusal::HoldNotExpired)
    );
    assert_eq!(
        books.post(&end(6, Kind::Capture, &hold, &shop, 50)),
        balances(50, 50)
    );
    assert_eq!(account(&books, payer.id).held, Minor::ZERO);
    for kind in [Kind::Capture, Kind::Void, Kind::Expiry] {
        assert_eq!(
            books.post(&end(7 + kind as u128, kind, &hold, &shop, 80)),
            Err(Refusal::HoldEnded)
        );
    }
    let ended: Vec<_> = books.ended_holds().collect();
    assert_eq!(
        (ended.len(), ended[0].state, ended[0].captured),
        (1, HoldState::Captured, Minor(50))
    );
}

#[test]
fn a_hold_whose_time_is_over_can_only_expire_also_on_a_frozen_account() {
    let (payer, shop) = (current(0, 100), merchant(1, 0));
    let mut books = open(&[&payer, &shop]);
    let hold = Posting {
        expires_at: Some(NOON),
        ..posting(1, Kind::Hold, &payer, &shop, 80)
    };
    books.post(&hold).unwrap();
    assert_eq!(
        books.post(&end(2, Kind::Capture, &hold, &shop, 80)),
        Err(Refusal::HoldExpired)
    );
    books.accounts.get_mut(&payer.id).unwrap().status = Status::Frozen;
    assert_eq!(
        books.post(&end(3, Kind::Expiry, &hold, &payer, 79)),
        Err(Refusal::InvalidAmount)
    );
    assert_eq!(
        books.post(&end(4, Kind::Expiry, &hold, &payer, 80)),
        balances(100, 0)
    );
    assert_eq!(account(&books, payer.id).held, Minor::ZERO);
    assert!(books.entries().is_empty());
}

#[test]
fn a_repeat_gets_the_first_outcome_and_another_posting_of_that_id_is_refused() {
    let (payer, payee) = (current(0, 10), current(1, 0));
    let mut books = open(&[&payer, &payee]);
    let ten = transfer(1, &payer, &payee, 10);
    let refused = transfer(2, &payer, &payee, 1);
    let first = books.post(&ten);
    assert_eq!(books.post(&refused), Err(Refusal::InsufficientFunds));
    assert_eq!(books.post(&transfer(3, &payee, &payer, 10)), balances(0, 10));

    assert_eq!(books.post(&ten), first);
    assert_eq!(
        books.post(&refused),
        Err(Refusal::InsufficientFunds),
        "a refusal stays, though there are funds now"
    );
    assert_eq!(
        books.post(&transfer(1, &payer, &payee, 9)),
        Err(Refusal::PostingIdReused)
    );
    assert_eq!((books.entries().len(), books.written().len()), (4, 3));
}

#[test]
fn of_an_atomic_batch_all_are_applied_or_none() {
    let (payer, payee) = (current(0, 10), current(1, 0));
    let mut books = open(&[&payer, &payee]);
    let postings: Vec<_> = [4, 7, 5]
        .into_iter()
        .zip(1..)
        .map(|(amount, id)| transfer(id, &payer, &payee, amount))
        .collect();
    let refused = [
        Err(Refusal::BatchRefused),
        Err(Refusal::InsufficientFunds),
        Err(Refusal::BatchRefused),
    ];
    assert_eq!(books.post_all_or_none(&postings), refused);
    assert_eq!((books.entries().len(), books.written().len()), (0, 3));
    assert_eq!(books.post_all_or_none(&postings), refused, "a repeat too");
    let fits = [transfer(8, &payer, &payee, 4), transfer(9, &payer, &payee, 6)];
    assert_eq!(books.post_all_or_none(&fits), [balances(6, 4), balances(0, 10)]);
    assert_eq!(books.post_all_or_none(&fits), [balances(6, 4), balances(0, 10)]);
}

fn any_posting() -> impl Strategy<Value = Posting> {
    let kind = prop::sample::select(vec![
        Kind::Transfer,
        Kind::Transfer,
        Kind::TopUp,
        Kind::Deposit,
        Kind::Withdrawal,
        Kind::Hold,
        Kind::Capture,
        Kind::Void,
        Kind::Expiry,
        Kind::Refund,
    ]);
    let amount = prop_oneof![4 => 1..200_i64, 1 => any::<i64>()];
    (
        1..40_u128,
        kind,
        0..6_u128,
        any::<bool>(),
        0..5_u128,
        0..5_u128,
        amount,
        1..40_u128,
    )
        .prop_map(|(id, kind, user, by_operator, from, to, amount, hold)| Posting {
            id: Uuid::from_u128(id),
            kind,
            initiator: Uuid::from_u128(100 + user),
            by_operator,
            from: Some(if kind.is_from_outside() {
                OUTSIDE
            } else {
                Uuid::from_u128(10 + from)
            }),
            to: Some(if kind.is_to_outside() {
                OUTSIDE
            } else {
                Uuid::from_u128(10 + to)
            }),
            amount: eur(amount),
            hold_id: kind.ends_a_hold().then(|| Uuid::from_u128(hold)),
            expires_at: (kind == Kind::Hold).then(|| NOON + TimeDelta::seconds(amount % 2)),
        })
}

/// As the ledger does: who ends a hold does not say whose accounts these are.
fn with_accounts_of_hold(posting: &Posting, books: &Books) -> Posting {
    let hold = posting.hold_id.and_then(|id| books.holds.get(&id));
    match hold {
        Some(hold) => Posting {
            from: Some(hold.from),
            to: Some(hold.to),
            ..posting.clone()
        },
        None => posting.clone(),
    }
}

fn assert_sound(books: &Books) -> Result<(), TestCaseError> {
    let sum: i128 = books
        .accounts()
        .map(|account| i128::from(account.balance.0))
        .sum();
    prop_assert_eq!(sum, 0);
    for account in books.accounts() {
        let available = i128::from(account.balance.0) - i128::from(account.held.0);
        prop_assert!(account.limit.is_none_or(|limit| available >= i128::from(limit.0)));
        let open = books
            .holds
            .values()
            .filter(|hold| hold.from == account.id && hold.state == HoldState::Authorized);
        let held: i64 = open.map(|hold| hold.amount.amount_minor.0).sum();
        prop_assert_eq!(account.held.0, held, "what is held is the sum of the open holds");
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_posted_money_is_conserved_and_no_limit_is_passed(
        postings in prop::collection::vec(any_posting(), 0..60),
        balances in prop::collection::vec(0..300_i64, 4),
    ) {
        let mut accounts: Vec<_> = (0..).zip(&balances)
            .map(|(number, balance)| if number == 3 { merchant(number, *balance) } else { current(number, *balance) })
            .collect();
        let total: i64 = balances.iter().sum();
        accounts.push(Account { balance: Minor(-total), ..external() });
        let mut books = open(&accounts.iter().collect::<Vec<_>>());
        let mut first = HashMap::new();
        let mut ended = HashMap::new();
        for posting in &postings {
            let posting = with_accounts_of_hold(posting, &books);
            let outcome = books.post(&posting);
            let (earlier, kept) = first.entry(posting.id).or_insert((posting.clone(), outcome));
            prop_assert!(outcome == *kept || *earlier != posting, "a repeat got another outcome");
            assert_sound(&books)?;
            for hold in books.holds.values().filter(|hold| hold.state != HoldState::Authorized) {
                let end = (hold.state, hold.captured);
                prop_assert_eq!(*ended.entry(hold.id).or_insert(end), end, "a hold ends once");
            }
        }
        let mut per_posting: HashMap<Uuid, i128> = HashMap::new();
        for entry in books.entries() {
            *per_posting.entry(entry.posting_id).or_default() += i128::from(entry.amount.0);
        }
        prop_assert!(per_posting.values().all(|sum| *sum == 0), "a posting's entries sum to zero");
        for account in books.accounts() {
            let entries: Vec<_> = books.entries().iter().filter(|entry| entry.account_id == account.id).collect();
            prop_assert!((1..).zip(&entries).all(|(number, entry)| entry.sequence == number), "no gap");
            prop_assert!(entries.last().is_none_or(|entry| entry.balance == account.balance));
        }
    }

    #[test]
    fn an_atomic_batch_leaves_all_or_nothing(postings in prop::collection::vec(any_posting(), 1..8)) {
        let accounts: Vec<_> = (0..4).map(|number| current(number, 100)).chain([Account { balance: Minor(-400), ..external() }]).collect();
        let mut books = open(&accounts.iter().collect::<Vec<_>>());
        let before: Vec<_> = books.accounts().cloned().collect();
        let outcomes = books.post_all_or_none(&postings);
        assert_sound(&books)?;
        if outcomes.iter().any(Result::is_err) {
            prop_assert!(books.accounts().eq(before.iter()));
            prop_assert!(books.entries().is_empty() && books.new_holds().next().is_none());
        }
    }
}
