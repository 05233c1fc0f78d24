//! Live updates of the feed through gateway and sidecars, and the chain of the audit log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};
use tests::workload::Books;
use tests::{Person, Stack, eventually};
use uuid::Uuid;

use crate::Result;
use crate::money::pair;

/// A line has to be there within this time, from the commit of its transaction on, also where the machine stalls for a while.
const SOON: Duration = Duration::from_secs(20);
/// Longer than a keep-alive takes, which in turn takes longer than a call between services may.
const QUIET: Duration = Duration::from_secs(25);

/// The events of one response.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(person: &Person, last_event_id: Option<&str>) -> anyhow::Result<Self> {
        let mut request = person.request(Method::GET, "/activity/stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await?;
        ensure!(response.status() == 200, "{response:?}");
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        ensure!(
            header("content-type") == Some("text/event-stream")
                && header("cache-control") == Some("no-store"),
            "{response:?}"
        );
        let mut stream = Self {
            response,
            text: String::new(),
        };
        let begin = stream.next(SOON).await?;
        ensure!(begin.contains("retry:"), "{begin}");
        Ok(stream)
    }

    /// The next event or comment.
    async fn next(&mut self, limit: Duration) -> anyhow::Result<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Ok(event);
            }
            let piece = tokio::time::timeout(limit, self.response.chunk())
                .await
                .context("nothing came")??;
            let piece = piece.context("the stream has ended")?;
            self.text.push_str(std::str::from_utf8(&piece)?);
        }
    }

    /// The id of the next line, and its transaction.
    async fn line(&mut self) -> anyhow::Result<(String, String)> {
        loop {
            let event = self.next(SOON).await?;
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            let (Some(id), Some(data)) = (field("id:"), field("data:")) else {
                continue;
            };
            let item: Value = serde_json::from_str(data)?;
            // The lines of the login may still be on their way when a stream is opened.
            if let Some(transaction) = item["data"]["transaction_id"].as_str() {
                return Ok((id.to_owned(), transaction.to_owned()));
            }
        }
    }
}

async fn pay(payer: &Person, from: &str, to: &str) -> anyhow::Result<String> {
    let key = Uuid::new_v4().to_string();
    let answer = payer.transfer(&key, from, to, 1).await?;
    Ok(answer.json["id"]
        .as_str()
        .with_context(|| format!("{answer:?}"))?
        .to_owned())
}

pub async fn a_stream_shows_lines_at_once_and_goes_on_where_it_was_cut(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 100).await?;
    let mut stream = Stream::open(&payee, None).await?;
    let first = pay(&payer, &from, &to).await?;
    ensure!(stream.line().await?.1 == first, "not the line of the transfer");
    // Quiet for longer than a call may take, and still there: a comment comes. Only lines of registration and login may be late.
    loop {
        let event = stream.next(QUIET).await?;
        if event.starts_with(':') {
            break;
        }
        ensure!(!event.contains("transaction_id"), "not quiet: {event}");
    }
    let second = pay(&payer, &from, &to).await?;
    let (seen, transaction) = stream.line().await?;
    ensure!(transaction == second, "not the line of the second transfer");
    drop(stream);
    let mut missed = Vec::new();
    for _ in 0..5 {
        missed.push(pay(&payer, &from, &to).await?);
    }
    let mut stream = Stream::open(&payee, Some(&seen)).await?;
    missed.push(pay(&payer, &from, &to).await?);
    let mut found = Vec::new();
    for _ in &missed {
        found.push(stream.line().await?.1);
    }
    // Events of different transactions may overtake each other.
    missed.sort();
    found.sort();
    ensure!(found == missed, "found {found:?} of {missed:?}");
    Ok(())
}

pub async fn a_line_of_the_audit_log_that_was_changed_is_named(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    let log = Books::open(&stack)?.activity;
    let subject = person.user_id.to_string();
    let (seq, event_id) = eventually("the registration is in the log, and sealed", || async {
        let sealed: Option<(i64, Uuid)> = sqlx::query_as(
            "select seq, event_id from audit_log where subject = $1 and kind = 'payme.user.registered.v1'
             and seq <= (select max(last_seq) from audit_seals)",
        )
        .bind(&subject)
        .fetch_optional(&log)
        .await
        .ok()?;
        sealed
    })
    .await?;
    stack.command("activity", &["verify"])?;
    let was: Value = sqlx::query_scalar("select data from audit_log where seq = $1")
        .bind(seq)
        .fetch_one(&log)
        .await?;
    // Nothing but the owner of the database gets around the trigger.
    let write = async |data: &Value| {
        let sql = format!(
            "alter table audit_log disable trigger user; update audit_log set data = '{data}' where seq = {seq};
             alter table audit_log enable trigger user"
        );
        log.execute(AssertSqlSafe(sql)).await
    };
    write(&serde_json::json!({ "user_id": Uuid::new_v4() })).await?;
    let verified = stack.command("activity", &["verify"]);
    write(&was).await?;
    let text = verified.err().context("it was not found")?.to_string();
    ensure!(text.contains(&format!("line {seq} (event {event_id})")), "{text}");
    stack.command("activity", &["verify"])
}
