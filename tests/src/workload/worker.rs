//! One client of many: sends what the generator says, asks again under the same key until it knows, and reads its writes.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::generate::Generator;
use super::model::Model;
use super::operation::{Action, Delivery, Operation, Part, owner};
use super::record::Record;
use super::request::{Earlier, Request};
use super::watch;
use super::world::World;
use crate::{Answer, Person, within};

/// An answer that takes longer is as good as none.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an outcome may stay unknown.
const CONVERGENCE: Duration = Duration::from_mins(1);

/// What the parts of a run share.
pub struct Shared<'a> {
    pub world: &'a World,
    pub model: &'a Model,
    pub record: &'a Record,
}

pub struct Worker<'a> {
    shared: &'a Shared<'a>,
    number: u64,
    /// By the number of the operation.
    sent: Vec<Option<Sent>>,
}

/// A request that was answered, with its key.
struct Sent {
    key: String,
    request: Request,
    answer: Answer,
}

impl<'a> Worker<'a> {
    pub fn new(shared: &'a Shared<'a>, number: u64) -> Self {
        let sent = Vec::new();
        Self { shared, number, sent }
    }

    /// Until `end`; what was begun before is seen to its end.
    pub async fn run(mut self, seed: u64, end: Instant) {
        for operation in Generator::new(seed, self.number) {
            if Instant::now() >= end {
                return;
            }
            let sent = self.perform(&operation).await;
            self.sent.push(sent);
        }
    }

    async fn perform(&self, operation: &Operation) -> Option<Sent> {
        let person = &self.shared.world.people[operation.actor];
        match &operation.action {
            Action::Balance => watch::balance(self.shared, operation.actor).await,
            Action::History => watch::history(self.shared, operation.actor).await,
            Action::Repeat { of } => self.repeat(person, operation, *of).await,
            Action::Reuse { of } => self.reuse(person, *of).await,
            Action::EndTwice { hold } => self.end_twice(operation, *hold).await,
            action => {
                let Some(request) = Request::of(self.shared.world, action, |number| self.earlier(number))
                else {
                    self.shared.record.operation(action.name(), "skipped");
                    return None;
                };
                let key = self.key("");
                let answer = self.send(operation, action, &key, &request).await?;
                if operation.reads_back && answer.status.is_success() {
                    watch::reads_its_write(self.shared, operation.actor, &answer.json).await;
                }
                return Some(Sent { key, request, answer });
            }
        }
        None
    }

    /// The key of the operation that is under way.
    fn key(&self, suffix: &str) -> String {
        format!("workload-{}-{}{suffix}", self.number, self.sent.len())
    }

    fn earlier(&self, number: usize) -> Option<Earlier> {
        let answer = &self.sent.get(number)?.as_ref()?.answer;
        Some(Earlier {
            id: answer.json["id"].as_str()?.parse().ok()?,
            amount: answer.json["amount"]["amount_minor"].as_i64()?,
        })
    }

    async fn send(
        &self,
        operation: &Operation,
        action: &Action,
        key: &str,
        request: &Request,
    ) -> Option<Answer> {
        let person = &self.shared.world.people[operation.actor];
        let record = self.shared.record;
        if let Delivery::Cut(after_ms) = operation.delivery {
            let cut = person.post_with_key(&request.path, key, &request.body);
            if timeout(Duration::from_millis(after_ms), cut).await.is_err() {
                record.fault("connection cut");
            }
        }
        let answer = if operation.delivery == Delivery::Twice {
            record.fault("sent twice at once");
            let (one, other) = tokio::join!(
                until_known(record, person, key, request),
                until_known(record, person, key, request)
            );
            let (one, other) = (one?, other?);
            self.same(key, &one, &other);
            one
        } else {
            until_known(record, person, key, request).await?
        };
        self.note(operation, action, key, &answer);
        Some(answer)
    }

    fn note(&self, operation: &Operation, action: &Action, key: &str, answer: &Answer) {
        let Shared { world, model, record } = self.shared;
        record.operation(action.name(), outcome(answer));
        if !answer.status.is_success() {
            if answer.code().is_empty() {
                record.anomaly("a refusal has a code", format!("{key}: {answer:?}"));
            }
            return;
        }
        if action.is_bad() {
            record.anomaly(
                "bad input moves nothing",
                format!("{key}: {action:?}: {}", answer.text),
            );
        }
        model.note(world, record, operation.actor, key, &answer.json);
    }

    /// A success is answered byte for byte again.
    fn same(&self, key: &str, one: &Answer, other: &Answer) {
        let successes = one.status.is_success() || other.status.is_success();
        if successes && (one.status, &one.text) != (other.status, &other.text) {
            let facts = format!(
                "{key}: {} {} and {} {}",
                one.status, one.text, other.status, other.text
            );
            self.shared.record.anomaly("a key has one answer", facts);
        }
    }

    async fn repeat(&self, person: &Person, operation: &Operation, of: usize) {
        let record = self.shared.record;
        let Some(sent) = self.sent.get(of).and_then(Option::as_ref) else {
            return record.operation("repeat", "skipped");
        };
        let Some(answer) = until_known(record, person, &sent.key, &sent.request).await else {
            return;
        };
        // What was refused before anything was recorded may go through now.
        if sent.answer.status.is_success() {
            self.same(&sent.key, &sent.answer, &answer);
        }
        self.note(operation, &operation.action, &sent.key, &answer);
    }

    async fn reuse(&self, person: &Person, of: usize) {
        let record = self.shared.record;
        let sent = self.sent.get(of).and_then(Option::as_ref);
        let sent = sent.filter(|sent| sent.answer.status.is_success());
        let Some((sent, bent)) = sent.and_then(|sent| Some((sent, sent.request.bent()?))) else {
            return record.operation("reuse", "skipped");
        };
        let Some(answer) = until_known(record, person, &sent.key, &bent).await else {
            return;
        };
        record.operation("reuse", outcome(&answer));
        if answer.code() != "idempotency_key_reused" {
            let facts = format!("{} {}: {} {}", sent.key, bent.body, answer.status, answer.text);
            record.anomaly("a key is not taken for another body", facts);
        }
    }

    async fn end_twice(&self, operation: &Operation, hold: usize) {
        let record = self.shared.record;
        let ends = [
            Action::Capture {
                hold,
                part: Part::All,
            },
            Action::Void { hold },
        ];
        let [capture, void] = ends
            .each_ref()
            .map(|end| Request::of(self.shared.world, end, |number| self.earlier(number)));
        let (Some(capture), Some(void)) = (capture, void) else {
            return record.operation("end_twice", "skipped");
        };
        let keys = [self.key("-capture"), self.key("-void")];
        let (captured, voided) = tokio::join!(
            self.send(operation, &ends[0], &keys[0], &capture),
            self.send(operation, &ends[1], &keys[1], &void)
        );
        let done = [&captured, &voided]
            .into_iter()
            .flatten()
            .filter(|answer| answer.status.is_success())
            .count();
        if done > 1 {
            record.anomaly(
                "a hold ends once",
                format!("{}: captured and voided", capture.path),
            );
        }
        record.operation("end_twice", if done == 0 { "no end" } else { "one end" });
    }
}

fn outcome(answer: &Answer) -> &str {
    if answer.status.is_success() {
        "done"
    } else {
        answer.code()
    }
}

/// As a good client does: the same request under the same key until the answer is final.
async fn until_known(record: &Record, person: &Person, key: &str, request: &Request) -> Option<Answer> {
    let what = format!("a final answer for {key}");
    let known = within(CONVERGENCE, &what, || async {
        let sent = person.post_with_key(&request.path, key, &request.body);
        let Ok(Ok(answer)) = timeout(PATIENCE, sent).await else {
            record.unknown("no answer");
            return None;
        };
        let unknown = answer.status.is_server_error()
            || matches!(
                answer.status,
                StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
            );
        if unknown {
            record.unknown(answer.code());
        }
        (!unknown).then_some(answer)
    });
    match known.await {
        Ok(answer) => Some(answer),
        Err(error) => {
            record.anomaly(
                "an unknown outcome converges",
                format!("{error}: {} {}", request.path, request.body),
            );
            None
        }
    }
}

/// A page, read until the system is able to show it.
pub async fn read(shared: &Shared<'_>, actor: usize, path: &str) -> Option<Value> {
    let person = &shared.world.people[actor];
    let known = within(CONVERGENCE, path, || async {
        let answer = timeout(PATIENCE, person.get(path)).await.ok()?.ok()?;
        (!answer.status.is_server_error() && answer.status != StatusCode::TOO_MANY_REQUESTS).then_some(answer)
    });
    match known.await {
        Ok(answer) if answer.status == StatusCode::OK && answer.json.is_object() => Some(answer.json),
        Ok(answer) => {
            let facts = format!("user {actor} {path}: {} {}", answer.status, answer.text);
            shared.record.anomaly("what is one's own can be read", facts);
            None
        }
        Err(error) => {
            shared
                .record
                .anomaly("reads come back", format!("user {actor}: {error}"));
            None
        }
    }
}

/// The account on whose side the actor of a transaction is.
pub fn own_side(shared: &Shared<'_>, actor: usize, transaction: &Value) -> Option<String> {
    let sides = [&transaction["from_account_id"], &transaction["to_account_id"]];
    sides
        .into_iter()
        .filter_map(Value::as_str)
        .find(|id| {
            let number = id.parse().ok().and_then(|id| shared.world.number(id));
            number.map(owner) == Some(actor)
        })
        .map(str::to_owned)
}
