//! Verification: sound books are found sound, and each kind of damage is found and named by the check that is for it.

use std::{process::Command, sync::Arc};

use account::{
    sealer::seal_waiting,
    verify::{
        Check::{self, *},
        Report, verify,
    },
};
use chain::Head;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, PgPool};
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::{App, Holder, deposit, end_of, eur, hold, top_up, transfer};

/// Small books in which everything has happened, sealed, with one posting more that waits for the chain.
struct Books {
    app: App,
    payer: Holder,
    payee: Holder,
    shop: Holder,
    /// A transfer of 100 from payer to payee, which is entry 2 of the payer and entry 1 of the payee.
    transfer: Uuid,
    /// A transfer of 1000 to the shop, with a fee.
    sale: Uuid,
    captured: Uuid,
    capture: Uuid,
    open: Uuid,
    refused: Uuid,
}

impl Books {
    async fn new(pool: PgPool) -> Self {
        let app = App::new(pool);
        let (payer, payee) = (app.holder(10_000).await, app.holder(0).await);
        let shop = app.holder_of("merchant", 0).await;
        let [transferred, sale, captured, capture, voided, open, refused] =
            std::array::from_fn(|_| Uuid::now_v7());
        let begun = app
            .post(&[
                transfer(transferred, &payer, &payee, 100),
                transfer(sale, &payer, &shop, 1_000),
                hold(captured, &payer, &shop, 800, 60),
                hold(voided, &payer, &payee, 30, 60),
                hold(open, &payer, &payee, 50, 60),
            ])
            .await;
        let ended = app
            .post(&[
                end_of(capture, "capture", captured, shop.user, 600),
                end_of(Uuid::now_v7(), "void", voided, payee.user, 30),
            ])
            .await;
        for result in begun.iter().chain(&ended) {
            assert_eq!(result["outcome"], "applied", "{result}");
        }
        let results = app.post(&[transfer(refused, &payee, &payer, 101)]).await;
        assert_eq!(results[0]["code"], "insufficient_funds");
        seal_waiting(&app.pool).await.unwrap();
        app.post(&[transfer(Uuid::now_v7(), &payee, &payer, 1)]).await;
        Self {
            app,
            payer,
            payee,
            shop,
            transfer: transferred,
            sale,
            captured,
            capture,
            open,
            refused,
        }
    }

    async fn report(&self) -> Report {
        verify(&self.app.pool, None).await.unwrap()
    }

    /// Damages the books as only somebody with all rights can: past the triggers, one thing at a time.
    async fn damage(&self, statement: &str) {
        let mut tx = self.app.pool.begin().await.unwrap();
        sqlx::raw_sql("set local session_replication_role = replica")
            .execute(&mut *tx)
            .await
            .unwrap();
        let damaged = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut *tx)
            .await
            .unwrap();
        assert!(damaged.rows_affected() > 0, "nothing was damaged");
        tx.commit().await.unwrap();
    }

    /// Which checks found a difference, and where.
    async fn differences(&self) -> Vec<(Check, String)> {
        let report = self.report().await;
        report
            .differences
            .into_iter()
            .map(|difference| (difference.check, difference.place))
            .collect()
    }
}

fn entry(holder: &Holder, sequence: i64) -> String {
    format!("account {}, entry {sequence}", holder.account)
}

fn account(holder: &Holder) -> String {
    format!("account {}", holder.account)
}

#[sqlx::test]
async fn books_in_which_everything_has_happened_are_sound(pool: PgPool) {
    let books = Books::new(pool).await;
    let report = books.report().await;
    assert!(report.is_sound(), "{report}");
    assert_eq!(
        (report.counts.seals, report.counts.unsealed, report.head.number),
        (4, 1, 4)
    );
    // 10,000 in, the transfer, the sale and the capture with their fees, and one back.
    assert_eq!(
        (report.counts.entries, report.counts.postings, report.counts.holds),
        (14, 10, 3)
    );
}

#[sqlx::test]
async fn empty_books_are_sound(pool: PgPool) {
    let report = verify(&pool, Some(&Head::GENESIS)).await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.head, Head::GENESIS);
}

#[sqlx::test(migrations = false)]
async fn books_from_before_there_was_a_chain_are_sound_and_get_into_it(pool: PgPool) {
    let migrations = sqlx::migrate!();
    migrations.run_to(1, &pool).await.unwrap();
    sqlx::raw_sql(
        "insert into accounts (id, owner_user_id, type, currency, name, is_default, balance_minor, sequence, limit_minor)
         values (md5('payee')::uuid, gen_random_uuid(), 'current', 'EUR', 'Old', true, 30, 2, 0);
         update accounts set balance_minor = -30, sequence = 2 where type = 'external' and currency = 'EUR';
         insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                               from_balance_minor, to_balance_minor)
         select md5(n::text)::uuid, 'deposit', gen_random_uuid(), id, md5('payee')::uuid, 10 * n, 'EUR', -(20 * n - 10), 20 * n - 10
         from accounts, generate_series(1, 2) as n where type = 'external' and currency = 'EUR';
         insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor)
         select a.id, n, md5(n::text)::uuid, sign(a.balance_minor) * 10 * n, sign(a.balance_minor) * (20 * n - 10)
         from accounts a, generate_series(1, 2) as n where a.balance_minor <> 0",
    )
    .execute(&pool)
    .await
    .unwrap();
    migrations.run(&pool).await.unwrap();
    seal_waiting(&pool).await.unwrap();
    let report = verify(&pool, None).await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.counts.entries, report.counts.seals), (4, 1));
}

#[sqlx::test]
async fn another_amount_of_an_entry_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payee = books.payee.account;
    books
        .damage(&format!(
            "update entries set amount_minor = 99 where account_id = '{payee}' and sequence = 1"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (RunningBalances, entry(&books.payee, 1)),
            (Legs, entry(&books.payee, 1)),
            (ChainHashes, "seal 2".to_owned())
        ]
    );
    let report = books.report().await;
    assert_eq!(
        (
            report.differences[0].expected.as_str(),
            report.differences[0].found.as_str()
        ),
        ("balance 99", "balance 100")
    );
    assert_eq!(report.head.number, 1, "the last link that is sound");
}

#[sqlx::test]
async fn another_balance_of_an_entry_is_found_where_it_begins(pool: PgPool) {
    let books = Books::new(pool).await;
    let payer = books.payer.account;
    books
        .damage(&format!(
            "update entries set balance_minor = balance_minor + 5 where account_id = '{payer}' and sequence >= 3"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (RunningBalances, entry(&books.payer, 3)),
            (AccountBalances, account(&books.payer)),
            (Legs, entry(&books.payer, 3)),
            (ChainHashes, "seal 2".to_owned())
        ]
    );
}

#[sqlx::test]
async fn another_balance_of_an_account_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payee = books.payee.account;
    books
        .damage(&format!(
            "update accounts set balance_minor = balance_minor + 1 where id = '{payee}'"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (AccountBalances, account(&books.payee)),
            (Sums, "currency EUR".to_owned())
        ]
    );
}

#[sqlx::test]
async fn a_missing_entry_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payer = books.payer.account;
    books
        .damage(&format!(
            "delete from entries where account_id = '{payer}' and sequence = 2"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (RunningBalances, entry(&books.payer, 3)),
            (AccountBalances, account(&books.payer)),
            (Legs, entry(&books.payer, 2)),
            (ChainHashes, "seal 2".to_owned())
        ]
    );
}

#[sqlx::test]
async fn an_entry_too_many_is_found_also_where_the_account_agrees_with_it(pool: PgPool) {
    let books = Books::new(pool).await;
    let (payee, posting) = (books.payee.account, books.transfer);
    books
        .damage(&format!(
            "insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor)
             values ('{payee}', 3, '{posting}', 7, 106)"
        ))
        .await;
    books
        .damage(&format!(
            "update accounts set balance_minor = 106, sequence = 3 where id = '{payee}'"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [(Legs, entry(&books.payee, 3)), (Sums, "currency EUR".to_owned())]
    );
}

#[sqlx::test]
async fn entries_of_an_account_that_is_gone_are_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let shop = books.shop.account;
    books
        .damage(&format!("delete from accounts where id = '{shop}'"))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (AccountBalances, account(&books.shop)),
            (Postings, format!("posting {}", books.sale)),
            (Sums, "currency EUR".to_owned())
        ]
    );
}

#[sqlx::test]
async fn two_entries_that_changed_places_are_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payer = books.payer.account;
    books
        .damage(&format!(
            "update entries e set posting_id = other.posting_id, amount_minor = other.amount_minor,
                                  balance_minor = case e.sequence when 2 then 9000 else e.balance_minor end
             from entries other
             where e.account_id = '{payer}' and other.account_id = '{payer}' and e.sequence in (2, 3)
                and other.sequence = 5 - e.sequence"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [(Legs, entry(&books.payer, 2)), (ChainHashes, "seal 2".to_owned())]
    );
}

#[sqlx::test]
async fn another_amount_of_a_posting_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let posting = books.transfer;
    books
        .damage(&format!(
            "update postings set amount_minor = 101 where id = '{posting}'"
        ))
        .await;
    let first = if books.payer.account < books.payee.account {
        entry(&books.payer, 2)
    } else {
        entry(&books.payee, 1)
    };
    assert_eq!(
        books.differences().await,
        [(Legs, first), (ChainHashes, "seal 2".to_owned())]
    );
}

#[sqlx::test]
async fn another_fee_of_a_posting_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let posting = books.sale;
    books
        .damage(&format!(
            "update entries set amount_minor = -4 where posting_id = '{posting}' and amount_minor = -5"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (RunningBalances, entry(&books.shop, 2)),
            (Legs, entry(&books.shop, 2)),
            (ChainHashes, "seal 2".to_owned())
        ]
    );
}

#[sqlx::test]
async fn a_refused_posting_that_names_an_entry_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let refused = books.refused;
    books
        .damage(&format!(
            "update postings set from_sequence = 1 where id = '{refused}'"
        ))
        .await;
    assert_eq!(
        books.differences().await[0],
        (Postings, format!("posting {refused}"))
    );
}

#[sqlx::test]
async fn a_refused_posting_that_was_made_an_applied_one_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let refused = books.refused;
    books
        .damage(&format!(
            "update postings set refusal = null, from_balance_minor = 0, to_balance_minor = 0 where id = '{refused}'"
        ))
        .await;
    let first = books.payer.account.min(books.payee.account);
    assert_eq!(
        books.differences().await,
        [
            (Legs, format!("account {first}, entry without a sequence")),
            (ChainHashes, "seal 4".to_owned())
        ]
    );
}

#[sqlx::test]
async fn a_posting_in_another_currency_than_its_accounts_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let posting = books.transfer;
    books
        .damage(&format!(
            "update postings set currency = 'USD' where id = '{posting}'"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (Postings, format!("posting {posting}")),
            (ChainHashes, "seal 2".to_owned())
        ]
    );
}

#[sqlx::test]
async fn an_account_below_its_limit_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payee = books.payee.account;
    sqlx::raw_sql("alter table accounts drop constraint accounts_not_below_limit")
        .execute(&books.app.pool)
        .await
        .unwrap();
    books
        .damage(&format!(
            "update accounts set limit_minor = 100 where id = '{payee}'"
        ))
        .await;
    assert_eq!(books.differences().await, [(Limits, account(&books.payee))]);
}

#[sqlx::test]
async fn money_that_is_held_without_a_hold_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let payee = books.payee.account;
    books
        .damage(&format!(
            "update accounts set held_minor = 1 where id = '{payee}'"
        ))
        .await;
    assert_eq!(books.differences().await, [(Held, account(&books.payee))]);
}

#[sqlx::test]
async fn a_hold_that_ended_without_a_posting_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let open = books.open;
    books
        .damage(&format!("update holds set state = 'voided' where id = '{open}'"))
        .await;
    assert_eq!(
        books.differences().await,
        [(Held, account(&books.payer)), (Holds, format!("hold {open}"))]
    );
}

#[sqlx::test]
async fn a_hold_that_says_another_capture_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let captured = books.captured;
    books
        .damage(&format!(
            "update holds set captured_minor = 599 where id = '{captured}'"
        ))
        .await;
    assert_eq!(books.differences().await, [(Holds, format!("hold {captured}"))]);
}

#[sqlx::test]
async fn a_hold_that_ended_twice_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let (captured, capture) = (books.captured, books.capture);
    books
        .damage(&format!(
            "insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                                   from_balance_minor, to_balance_minor, hold_id)
             select gen_random_uuid(), 'void', initiator_user_id, from_account_id, to_account_id, 800, currency,
                    from_balance_minor, to_balance_minor, hold_id from postings where id = '{capture}'"
        ))
        .await;
    books
        .damage("insert into unsealed (posting_ids) select array[id] from postings where amount_minor = 800 and kind = 'void'")
        .await;
    assert_eq!(books.differences().await, [(Holds, format!("hold {captured}"))]);
}

#[sqlx::test]
async fn a_hold_that_is_gone_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let captured = books.captured;
    books
        .damage(&format!("delete from holds where id = '{captured}'"))
        .await;
    assert_eq!(books.differences().await, [(Holds, format!("hold {captured}"))]);
}

#[sqlx::test]
async fn a_posting_outside_the_chain_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let waiting: Vec<Uuid> = sqlx::query_scalar("select unnest(posting_ids) from unsealed")
        .fetch_all(&books.app.pool)
        .await
        .unwrap();
    books.damage("delete from unsealed").await;
    assert_eq!(
        books.differences().await,
        [(ChainMembers, format!("posting {}", waiting[0]))]
    );
}

#[sqlx::test]
async fn a_posting_that_is_twice_in_the_chain_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    let posting = books.transfer;
    books
        .damage(&format!(
            "insert into unsealed (posting_ids) values (array['{posting}'::uuid])"
        ))
        .await;
    assert_eq!(
        books.differences().await,
        [(ChainMembers, format!("posting {posting}"))]
    );
}

#[sqlx::test]
async fn a_posting_that_is_gone_is_found_though_nothing_else_speaks_of_it(pool: PgPool) {
    let books = Books::new(pool).await;
    let refused = books.refused;
    books
        .damage(&format!("delete from postings where id = '{refused}'"))
        .await;
    assert_eq!(
        books.differences().await,
        [
            (ChainMembers, format!("posting {refused}")),
            (ChainHashes, "seal 4".to_owned())
        ]
    );
}

#[sqlx::test]
async fn who_started_a_posting_can_not_be_rewritten(pool: PgPool) {
    let books = Books::new(pool).await;
    let (posting, payee) = (books.transfer, books.payee.user);
    books
        .damage(&format!(
            "update postings set initiator_user_id = '{payee}' where id = '{posting}'"
        ))
        .await;
    assert_eq!(books.differences().await, [(ChainHashes, "seal 2".to_owned())]);
}

#[sqlx::test]
async fn a_changed_hash_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    books
        .damage("update seals set hash = sha256(hash) where number = 2")
        .await;
    assert_eq!(books.differences().await, [(ChainHashes, "seal 2".to_owned())]);
}

#[sqlx::test]
async fn a_missing_link_is_found(pool: PgPool) {
    let books = Books::new(pool).await;
    books.damage("delete from seals where number = 2").await;
    let differences = books.differences().await;
    assert_eq!(
        differences.iter().map(|(check, _)| *check).collect::<Vec<_>>(),
        [ChainMembers, ChainHashes]
    );
    assert_eq!(differences[1].1, "seal 2");
}

#[sqlx::test]
async fn a_chain_that_was_cut_off_no_longer_has_the_head_that_was_kept(pool: PgPool) {
    let books = Books::new(pool).await;
    let kept = books.report().await.head;
    books.damage("delete from seals where number = 4").await;
    // What was in it waits again, so that nothing else is wrong.
    let refused = books.refused;
    books
        .damage(&format!(
            "insert into unsealed (posting_ids) values (array['{refused}'::uuid])"
        ))
        .await;
    assert!(books.report().await.is_sound());
    let report = verify(&books.app.pool, Some(&kept)).await.unwrap();
    assert_eq!(
        (report.differences.len(), report.differences[0].check),
        (1, KeptHead)
    );
    assert_eq!(report.differences[0].expected, kept.to_string());
    assert_eq!(report.differences[0].found, "no such seal");
}

#[sqlx::test]
async fn a_chain_that_was_written_anew_no_longer_has_the_head_that_was_kept(pool: PgPool) {
    let books = Books::new(pool).await;
    let kept = books.report().await.head;
    books
        .damage("update postings set created_at = created_at - interval '1 day' where kind = 'hold'")
        .await;
    books
        .damage("insert into unsealed (posting_ids) select posting_ids from seals order by number; delete from seals")
        .await;
    seal_waiting(&books.app.pool).await.unwrap();
    assert!(books.report().await.is_sound());
    let report = verify(&books.app.pool, Some(&kept)).await.unwrap();
    assert_eq!(
        (report.differences.len(), report.differences[0].check),
        (1, KeptHead)
    );
}

#[sqlx::test]
async fn a_head_that_was_kept_is_still_there_when_the_chain_has_grown(pool: PgPool) {
    let books = Books::new(pool).await;
    let kept = books.report().await.head;
    seal_waiting(&books.app.pool).await.unwrap();
    let report = verify(&books.app.pool, Some(&kept)).await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.head.number, kept.number + 1);
}

#[sqlx::test]
async fn books_are_sound_at_each_moment_while_replicas_post_and_seal(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let other = Arc::new(App::new(pool.clone()));
    let (one, two) = (
        Arc::new(app.holder(1_000).await),
        Arc::new(app.holder(1_000).await),
    );
    let shop = Arc::new(app.holder_of("merchant", 0).await);
    let posting: Vec<_> = [app, other]
        .into_iter()
        .map(|app| {
            let (one, two, shop) = (one.clone(), two.clone(), shop.clone());
            tokio::spawn(async move {
                for round in 0..60 {
                    let held = Uuid::now_v7();
                    app.post(&[
                        transfer(Uuid::now_v7(), &one, &two, 1 + round % 7),
                        transfer(Uuid::now_v7(), &two, &one, 1 + round % 5),
                        transfer(Uuid::now_v7(), &two, &shop, 3),
                        hold(held, &one, &two, 4, 60),
                    ])
                    .await;
                    app.post(&[end_of(Uuid::now_v7(), "capture", held, two.user, 1 + round % 4)])
                        .await;
                    seal_waiting(&app.pool).await.unwrap();
                }
            })
        })
        .collect();
    let mut verified = 0;
    while verified < 3 || !posting.iter().all(tokio::task::JoinHandle::is_finished) {
        let report = verify(&pool, None).await.unwrap();
        assert!(report.is_sound(), "{report}");
        verified += 1;
    }
    for task in posting {
        task.await.unwrap();
    }
    assert!(verify(&pool, None).await.unwrap().is_sound());
}

/// Numbers that look random and are the same in each run (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    /// `holds` has the id, the payee and the amount of each hold so far, also of those that were refused.
    fn posting(&mut self, holders: &[Holder], holds: &mut Vec<(Uuid, Uuid, i64)>) -> Value {
        let id = Uuid::now_v7();
        let (from, to) = (
            &holders[self.below(holders.len())],
            &holders[self.below(holders.len())],
        );
        let amount = i64::try_from(self.below(300)).unwrap();
        let (held, payee, whole) = holds
            .get(self.below(holds.len().max(1)))
            .copied()
            .unwrap_or((id, to.user, amount));
        match self.below(10) {
            0 => top_up(id, to.user, to.account, amount),
            1 => deposit(id, to.account, amount),
            2 => json!({ "posting_id": id, "kind": "withdrawal", "initiator_user_id": from.user,
                         "from_account_id": from.account, "amount": eur(amount) }),
            3 => json!({ "posting_id": id, "kind": "refund", "initiator_user_id": from.user,
                         "from_account_id": from.account, "to_account_id": to.account, "amount": eur(amount) }),
            4 | 5 => {
                holds.push((id, to.user, amount));
                let seconds = if self.below(3) == 0 { 0 } else { 60 };
                hold(id, from, to, amount, seconds)
            }
            6 => end_of(id, "capture", held, payee, 1 + amount % (whole + 1)),
            7 => end_of(id, ["void", "expiry"][self.below(2)], held, payee, whole),
            _ => transfer(id, from, to, amount),
        }
    }
}

#[sqlx::test]
async fn whatever_is_posted_the_books_are_sound(pool: PgPool) {
    let app = App::new(pool.clone());
    for seed in 0..4 {
        let mut random = Seeded(seed);
        let holders = [
            app.holder(500).await,
            app.holder(0).await,
            app.holder_of("merchant", 200).await,
            app.holder_of("savings", 200).await,
        ];
        let mut holds = Vec::new();
        for _ in 0..25 {
            let batch: Vec<_> = (0..=random.below(12))
                .map(|_| random.posting(&holders, &mut holds))
                .collect();
            let atomic = random.below(4) == 0;
            let answer = app
                .post_raw(&json!({ "atomic": atomic, "postings": batch }))
                .await;
            assert_eq!(answer.status, 200, "seed {seed}: {:?}", answer.json);
            if random.below(5) == 0 {
                seal_waiting(&pool).await.unwrap();
            }
        }
        let report = verify(&pool, None).await.unwrap();
        assert!(report.is_sound(), "seed {seed}: {report}");
    }
    let ends: Vec<String> = sqlx::query_scalar("select distinct state from holds order by state")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(
        ends,
        ["authorized", "captured", "expired", "voided"],
        "the seeds reach all that a hold can be"
    );
}

/// The binary, which gets the database as the service does.
async fn run(pool: &PgPool, arguments: &'static [&'static str], more: Vec<String>) -> (Option<i32>, String) {
    let url = pool.connect_options().to_url_lossy().to_string();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_account"))
            .args(arguments)
            .args(more)
            .env("DATABASE_URL", url)
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[sqlx::test]
async fn the_command_prints_a_report_and_its_status_says_whether_the_books_are_sound(pool: PgPool) {
    let books = Books::new(pool.clone()).await;
    let head = books.report().await.head.to_string();
    let (status, said) = run(&pool, &["verify"], vec![]).await;
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains(&head) && said.ends_with("the books are sound\n"),
        "{said}"
    );
    let (status, said) = run(&pool, &["verify", "--head"], vec![head]).await;
    assert_eq!(status, Some(0), "{said}");
    let (status, _) = run(&pool, &["verify", "--head", "1:abc"], vec![]).await;
    assert_eq!(status, Some(1));
    let (open, payer) = (books.open, books.payer.account);
    books
        .damage(&format!("delete from holds where id = '{open}'"))
        .await;
    let (status, said) = run(&pool, &["verify"], vec![]).await;
    assert_eq!(status, Some(1));
    assert!(
        said.contains(&format!(
            "DIFFERENCE held: account {payer}: expected held 0; found held 50"
        )),
        "{said}"
    );
}

async fn ask(app: &App, method: &str) -> Answer {
    let token = app.issuer.token_with_roles(Uuid::now_v7(), &["user", "operator"]);
    call(
        &app.router,
        request(method, "/admin/ledger/verification", &token, &Value::Null),
    )
    .await
}

/// Starts a verification and waits for its report.
async fn report_for_operators(app: &App) -> Value {
    let started = ask(app, "POST").await;
    assert_eq!(started.status, 202, "{:?}", started.json);
    let finished = async {
        loop {
            let shown = ask(app, "GET").await;
            if shown.json["id"] == started.json["id"] {
                return shown.json;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), finished)
        .await
        .unwrap()
}

#[sqlx::test]
async fn operators_start_a_verification_and_see_its_report(pool: PgPool) {
    let books = Books::new(pool).await;
    let none = ask(&books.app, "GET").await;
    assert_eq!(
        (none.status.as_u16(), none.code()),
        (404, "verification_not_found")
    );
    let report = report_for_operators(&books.app).await;
    assert_eq!(
        (&report["sound"], &report["differences"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(report["head"], books.report().await.head.to_string());
    let payee = books.payee.account;
    books
        .damage(&format!(
            "update accounts set held_minor = 1 where id = '{payee}'"
        ))
        .await;
    let report = report_for_operators(&books.app).await;
    assert_eq!(report["sound"], false);
    assert_eq!(
        report["differences"],
        json!([{ "check": "held", "place": account(&books.payee), "expected": "held 0", "found": "held 1" }])
    );
}

#[sqlx::test]
async fn there_is_one_verification_at_a_time(pool: PgPool) {
    let app = App::new(pool.clone());
    let mut running = pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(2)")
        .execute(&mut *running)
        .await
        .unwrap();
    let refused = ask(&app, "POST").await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (409, "verification_running")
    );
    let (status, said) = run(&pool, &["verify"], vec![]).await;
    assert_eq!((status, said.as_str()), (Some(1), ""));
    running.rollback().await.unwrap();
    report_for_operators(&app).await;
}

#[sqlx::test]
async fn a_service_that_stops_does_not_wait_for_a_verification(pool: PgPool) {
    let elsewhere = PgPool::connect_with((*pool.connect_options()).clone())
        .await
        .unwrap();
    let app = App::new(pool.clone());
    let mut locked = elsewhere.begin().await.unwrap();
    sqlx::raw_sql("lock table entries in access exclusive mode")
        .execute(&mut *locked)
        .await
        .unwrap();
    assert_eq!(ask(&app, "POST").await.status, 202);
    tokio::time::timeout(std::time::Duration::from_secs(10), pool.close())
        .await
        .unwrap();
    locked.rollback().await.unwrap();
    let reports: i64 = sqlx::query_scalar("select count(*) from verifications")
        .fetch_one(&elsewhere)
        .await
        .unwrap();
    assert_eq!(reports, 0);
    elsewhere.close().await;
}
