use money::{Currency, Money};
use proptest::prelude::*;

use super::*;
use crate::domain::{AccountType, Applied, Kind, Status};

const OUTSIDE: Uuid = Uuid::from_u128(1);

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn external() -> Account {
    Account {
        id: OUTSIDE,
        owner: None,
        r#type: AccountType::External,
        limit: None,
        ..current(0, 0)
    }
}

/// The account `10 + number` of the user `100 + number`.
fn current(number: u128, balance: i64) -> Account {
    Account {
        id: Uuid::from_u128(10 + number),
        owner: Some(Uuid::from_u128(100 + number)),
        r#type: AccountType::Current,
        currency: eur(),
        status: Status::Open,
        balance: Minor(balance),
        held: Minor::ZERO,
        limit: Some(Minor::ZERO),
        sequence: 0,
    }
}

fn transfer(id: u128, from: &Account, to: &Account, amount: i64) -> Posting {
    Posting {
        id: Uuid::from_u128(id),
        kind: Kind::Transfer,
        initiator: from.owner.unwrap_or_default(),
        from: Some(from.id),
        to: to.id,
        amount: Money {
            amount_minor: Minor(amount),
            currency: eur(),
        },
    }
}

fn decided(posting: &Posting, from: &Account, to: &Account) -> Outcome {
    decide(posting, Some(from), Some(to))
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
    assert_eq!(
        outcome,
        Ok(Applied {
            from_balance: Minor(30),
            to_balance: Minor(75)
        })
    );
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
    let usd = Account {
        currency: "USD".parse().unwrap(),
        ..payee.clone()
    };
    let frozen = Account {
        status: Status::Frozen,
        ..payee.clone()
    };
    let closed = Account {
        status: Status::Closed,
        ..payee.clone()
    };
    let full = Account {
        balance: Minor(i64::MAX),
        ..payee.clone()
    };
    let stranger = Posting {
        initiator: Uuid::from_u128(7),
        ..one.clone()
    };
    let to_self = Posting {
        to: payer.id,
        ..one.clone()
    };

    assert_eq!(decided(&one, &payer, &usd), Err(Refusal::CurrencyMismatch));
    assert_eq!(decided(&one, &payer, &frozen), Err(Refusal::AccountFrozen));
    assert_eq!(decided(&one, &payer, &closed), Err(Refusal::AccountClosed));
    assert_eq!(decided(&one, &payer, &full), Err(Refusal::BalanceOverflow));
    assert_eq!(decided(&one, &payer, &external()), Err(Refusal::AccountNotFound));
    assert_eq!(decide(&one, None, Some(&payee)), Err(Refusal::AccountNotFound));
    assert_eq!(decided(&stranger, &payer, &payee), Err(Refusal::AccountNotFound));
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
    let stranger = Uuid::from_u128(7);
    let top_up = Posting {
        kind: Kind::TopUp,
        initiator: stranger,
        ..transfer(1, &outside, &payee, 5)
    };
    assert_eq!(decided(&top_up, &outside, &payee), Err(Refusal::AccountNotFound));
    let own = Posting {
        initiator: payee.owner.unwrap(),
        ..top_up.clone()
    };
    assert_eq!(
        decided(&own, &outside, &payee),
        Ok(Applied {
            from_balance: Minor(-5),
            to_balance: Minor(5)
        })
    );
    let deposit = Posting {
        kind: Kind::Deposit,
        ..top_up
    };
    assert!(decided(&deposit, &outside, &payee).is_ok());
}

#[test]
fn a_repeat_gets_the_first_outcome_and_another_posting_of_that_id_is_refused() {
    let (payer, payee) = (current(0, 10), current(1, 0));
    let mut books = Books::open(vec![payer.clone(), payee.clone()], vec![]);
    let ten = transfer(1, &payer, &payee, 10);
    let refused = transfer(2, &payer, &payee, 1);
    let first = books.post(&ten);
    assert_eq!(books.post(&refused), Err(Refusal::InsufficientFunds));
    assert_eq!(
        books.post(&transfer(3, &payee, &payer, 10)),
        Ok(Applied {
            from_balance: Minor(0),
            to_balance: Minor(10)
        })
    );

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
    assert_eq!(books.entries().len(), 4);
    assert_eq!(books.new_postings().count(), 3);
}

fn any_posting() -> impl Strategy<Value = Posting> {
    let kind = prop_oneof![Just(Kind::Transfer), Just(Kind::TopUp), Just(Kind::Deposit)];
    let amount = prop_oneof![4 => 1..200_i64, 1 => any::<i64>()];
    (1..40_u128, kind, 0..6_u128, 0..5_u128, 0..5_u128, amount).prop_map(
        |(id, kind, user, from, to, amount)| Posting {
            id: Uuid::from_u128(id),
            kind,
            initiator: Uuid::from_u128(100 + user),
            from: Some(if kind.is_from_outside() {
                OUTSIDE
            } else {
                Uuid::from_u128(10 + from)
            }),
            to: Uuid::from_u128(10 + to),
            amount: Money {
                amount_minor: Minor(amount),
                currency: eur(),
            },
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_posted_money_is_conserved_and_no_limit_is_passed(
        postings in prop::collection::vec(any_posting(), 0..60),
        balances in prop::collection::vec(0..300_i64, 4),
        held in prop::collection::vec(0..50_i64, 4),
    ) {
        let mut accounts: Vec<_> = (0..).zip(balances.iter().zip(&held))
            .map(|(number, (balance, held))| Account { held: Minor(*held.min(balance)), ..current(number, *balance) })
            .collect();
        let total: i64 = balances.iter().sum();
        accounts.push(Account { balance: Minor(-total), ..external() });
        let mut books = Books::open(accounts, vec![]);
        let mut first = HashMap::new();
        for posting in &postings {
            let outcome = books.post(posting);
            let (earlier, kept) = first.entry(posting.id).or_insert((posting, outcome));
            prop_assert!(outcome == *kept || *earlier != posting, "a repeat got another outcome");
            prop_assert_eq!(books.accounts().map(|account| i128::from(account.balance.0)).sum::<i128>(), 0);
            for account in books.accounts() {
                let available = account.balance.0 - account.held.0;
                prop_assert!(account.limit.is_none_or(|limit| available >= limit.0));
            }
        }
        let mut per_posting: HashMap<Uuid, i128> = HashMap::new();
        for entry in books.entries() {
            *per_posting.entry(entry.posting_id).or_default() += i128::from(entry.amount.0);
        }
        prop_assert!(per_posting.values().all(|sum| *sum == 0), "a posting's entries sum to zero");
        for account in books.changed_accounts() {
            let entries: Vec<_> = books.entries().iter().filter(|entry| entry.account_id == account.id).collect();
            prop_assert!((1..).zip(&entries).all(|(number, entry)| entry.sequence == number), "no gap");
            prop_assert_eq!(entries.last().map(|entry| entry.balance), Some(account.balance));
        }
    }
}
