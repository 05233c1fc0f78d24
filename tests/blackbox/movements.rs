//! Every kind of movement from outside, and the books afterwards.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, PgPool};
use tests::workload::Books;
use tests::{Answer, Person, Stack, euro, eventually, within};
use uuid::Uuid;

use crate::Result;
use crate::events::operator;
use crate::identity::mail_says;
use crate::money::{in_feed_once, pair};

async fn make(person: &Person, path: &str, body: &Value) -> anyhow::Result<Answer> {
    let answer = person
        .post_until_answered(path, &Uuid::new_v4().to_string(), body)
        .await?;
    ensure!(answer.status.is_success(), "{path}: {answer:?}");
    Ok(answer)
}

fn id(answer: &Answer) -> anyhow::Result<&str> {
    answer.json["id"]
        .as_str()
        .with_context(|| format!("no id: {answer:?}"))
}

pub async fn a_hold_is_captured_and_refunded_in_parts(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let mut body = tests::transfer(&from, &to, 700);
    body["expires_in_s"] = json!(3600);
    let hold = make(&payer, "/holds", &body).await?;
    let hold = id(&hold)?;
    let account = payer.get(&format!("/accounts/{from}")).await?;
    ensure!(
        account.json["available_minor"] == 300 && account.json["balance_minor"] == 1_000,
        "{account:?}"
    );
    let capture = json!({ "amount": euro(500) });
    let captured = make(&payee, &format!("/holds/{hold}/capture"), &capture).await?;
    let refund = json!({ "amount": euro(200) });
    let refunds = format!("/transactions/{}/refunds", id(&captured)?);
    make(&payee, &refunds, &refund).await?;
    let shown = payer.get(&format!("/holds/{hold}")).await?;
    ensure!(shown.json["state"] == "captured", "{shown:?}");
    ensure!(
        payer.balance().await? == 700 && payee.balance().await? == 300,
        "not captured and refunded"
    );
    let out = json!({ "account_id": to, "amount": euro(300) });
    make(&payee, "/withdrawals", &out).await?;
    ensure!(payee.balance().await? == 0, "not withdrawn");
    Ok(())
}

pub async fn a_hold_expires_by_itself(stack: Arc<Stack>) -> Result {
    let (payer, from, _, to) = pair(&stack, 100).await?;
    let mut body = tests::transfer(&from, &to, 100);
    body["expires_in_s"] = json!(1);
    let hold = make(&payer, "/holds", &body).await?;
    let path = format!("/holds/{}", id(&hold)?);
    eventually("the hold has expired", || async {
        let hold = payer.get(&path).await.ok()?;
        (hold.json["state"] == "expired").then_some(())
    })
    .await?;
    make(&payer, "/transactions", &tests::transfer(&from, &to, 100)).await?;
    Ok(())
}

pub async fn people_ask_and_pay_each_other_by_name(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, _) = pair(&stack, 100).await?;
    let ask = json!({ "payer_username": payer.username, "amount": euro(60), "note": "Lunch" });
    let request = make(&payee, "/payment-requests", &ask).await?;
    let request_id = id(&request)?;
    eventually("the request is in the feed", || in_feed_once(&payer, request_id)).await?;
    mail_says(&stack, &payer, &format!("Payment request {request_id}")).await?;
    let path = format!("/payment-requests/{request_id}");
    make(
        &payer,
        &format!("{path}/pay"),
        &json!({ "from_account_id": from }),
    )
    .await?;
    let shown = payee.get(&path).await?;
    ensure!(shown.json["state"] == "paid", "{shown:?}");
    let by_name = json!({ "from_account_id": from, "to_username": payee.username, "amount": euro(40) });
    make(&payer, "/transactions", &by_name).await?;
    ensure!(payee.balance().await? == 100, "not paid");
    let contacts = payer.get("/contacts").await?;
    ensure!(
        contacts.json["items"][0]["username"] == json!(payee.username),
        "{contacts:?}"
    );
    Ok(())
}

pub async fn a_request_for_money_expires_by_itself_and_both_are_told(stack: Arc<Stack>) -> Result {
    let (payer, _, payee, _) = pair(&stack, 100).await?;
    let ask = json!({ "payer_username": payer.username, "amount": euro(60), "expires_in_s": 1 });
    let request = make(&payee, "/payment-requests", &ask).await?;
    let request_id = id(&request)?;
    for person in [&payer, &payee] {
        eventually("the end of the request is in the feed", || async {
            let feed = person.get("/activity?kind=request_expired").await.ok()?;
            feed.text.contains(request_id).then_some(())
        })
        .await?;
    }
    mail_says(&stack, &payee, &format!("Payment request {request_id}")).await?;
    mail_says(&stack, &payee, "so your request has expired").await
}

pub async fn a_batch_of_a_thousand_is_done_as_one(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let items: Vec<_> = (0..1_000)
        .map(|number| {
            let mut item = tests::transfer(&from, &to, 1);
            item["key"] = json!(format!("salary-{number}"));
            item
        })
        .collect();
    let batch = json!({ "atomic": true, "items": items });
    let answer = make(&payer, "/transactions/batch", &batch).await?;
    let results = answer.json["results"].as_array().context("no results")?;
    ensure!(
        results
            .iter()
            .all(|result| result["transaction"]["state"] == "completed"),
        "{answer:?}"
    );
    ensure!(payee.balance().await? == 1_000, "not all were paid");
    Ok(())
}

pub async fn a_statement_is_a_file_in_three_forms(stack: Arc<Stack>) -> Result {
    let (payer, from, _, to) = pair(&stack, 1_234).await?;
    make(&payer, "/transactions", &tests::transfer(&from, &to, 34)).await?;
    let path = format!("/accounts/{from}/statement");
    let json = payer.get(&path).await?;
    ensure!(json.json["closing_minor"] == 1_200, "{json:?}");
    let csv = payer.get(&format!("{path}?format=csv")).await?;
    ensure!(csv.text.contains("12.34"), "{csv:?}");
    let pdf = payer.get(&format!("{path}?format=pdf")).await?;
    ensure!(pdf.text.starts_with("%PDF"), "no PDF: {}", pdf.status);
    ensure!(pdf.headers.contains_key("content-disposition"), "no file name");
    Ok(())
}

/// An account and its entries as if they were 62 days older, so that a month is over since, and back: nothing but the owner of the
/// database gets around the trigger.
async fn shift(ledger: &PgPool, account: &str, direction: char) -> Result {
    let by = format!("{direction} interval '1488 hours'");
    let sql = format!(
        "begin; alter table entries disable trigger user;
         update entries set created_at = created_at {by} where account_id = '{account}';
         alter table entries enable trigger user;
         update accounts set created_at = created_at {by} where id = '{account}'; commit"
    );
    ledger.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

pub async fn the_statement_of_a_month_that_is_over_is_mailed_and_in_the_feed(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    let account = person.top_up(1_250).await?;
    let ledger = Books::open(&stack)?.account;
    // What is sealed is compared with the entries of that moment.
    eventually("the chain has all entries", || async {
        let waiting = sqlx::query_scalar("select count(*) from unsealed");
        let waiting: i64 = waiting.fetch_one(&ledger).await.ok()?;
        (waiting == 0).then_some(())
    })
    .await?;
    shift(&ledger, &account, '-').await?;
    let month: String = sqlx::query_scalar(
        "update statement_progress set after_account = default,
             month = date_trunc('month', (now() - interval '1488 hours') at time zone 'UTC')
         returning to_char(month, 'YYYY-MM')",
    )
    .fetch_one(&ledger)
    .await?;
    let told = announced(&stack, &person, &account, &month).await;
    shift(&ledger, &account, '+').await?;
    told?;
    stack.command("account", &["verify"])
}

async fn announced(stack: &Stack, person: &Person, account: &str, month: &str) -> Result {
    let feed = eventually("the statement is in the feed", || async {
        let feed = person.get("/activity?kind=statement_ready").await.ok()?;
        (feed.json["items"].as_array()?.len() == 1).then_some(feed)
    })
    .await?;
    let data = &feed.json["items"][0]["data"];
    let expected =
        json!({ "account_id": account, "month": month, "opening": euro(0), "closing": euro(1_250) });
    ensure!(*data == expected, "{data}");
    let way = format!("/accounts/{account}/statement?month={month}");
    mail_says(stack, person, &way).await?;
    let statement = person.get(&way).await?;
    ensure!(
        statement.json["closing_minor"] == 1_250 && statement.json["complete"] == true,
        "{statement:?}"
    );
    let mails = stack.mails_to(&person.email)?;
    ensure!(mails.matches(&way).count() == 1, "{mails}");
    Ok(())
}

/// Two judges that know nothing of each other: the books themselves, and what was announced of them.
pub async fn the_books_verify_and_the_auditor_agrees(stack: Arc<Stack>) -> Result {
    let operator = operator(&stack).await?;
    operator.top_up(500).await?;
    let started = operator.post("/admin/ledger/verification", &json!({})).await?;
    ensure!(
        started.status == 202 || started.code() == "verification_running",
        "{started:?}"
    );
    let report = eventually("the books are verified", || async {
        let report = operator.get("/admin/ledger/verification").await.ok()?;
        report.status.is_success().then_some(report)
    })
    .await?;
    ensure!(report.json["sound"] == true, "{report:?}");
    stack.command("account", &["verify"])?;
    // The auditor goes round every ten seconds, and waits a minute before it calls an event missing.
    let agreed = within(
        std::time::Duration::from_mins(2),
        "the auditor agrees with the ledger",
        || async {
            let audit = operator.get("/admin/audit").await.ok()?;
            (audit.json["status"] == "sound").then_some(())
        },
    );
    if let Err(error) = agreed.await {
        bail!("{error}: {}", operator.get("/admin/audit").await?.text);
    }
    Ok(())
}
