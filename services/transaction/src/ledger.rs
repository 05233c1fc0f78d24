//! The call to `account`: postings go out together, results come back in their order.

use std::time::Duration;

use axum::http::Method;
use chrono::{DateTime, Utc};
use identity::Identity;
use money::{Minor, Money};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sidecar::Sidecar;
use uuid::Uuid;

use crate::domain::{Failure, Kind, Transaction};

/// Shorter than the time after which a recovery worker takes over, with its lease.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The ledger, as far as this service needs it.
#[derive(Clone)]
pub struct Ledger {
    sidecar: Sidecar,
    identity: Identity,
}

/// What became of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    Applied(Applied),
    Refused(Failure),
}

/// What the ledger has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// None: the money came from outside.
    pub payer: Option<Uuid>,
    /// Of what went outside the payer.
    pub payee: Uuid,
    /// All that moved; the amounts sum to zero.
    pub entries: Vec<Entry>,
}

/// What one account gained or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Entry {
    pub account_id: Uuid,
    /// Negative: money left the account.
    pub amount_minor: Minor,
}

impl Applied {
    /// What the payee has paid for it: the third entry and the fourth are the fee's.
    pub fn fee(&self) -> Option<Minor> {
        self.entries.get(3).map(|entry| entry.amount_minor)
    }
}

/// The outcome is not known: the postings may or may not be applied. The same ids can be sent again.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    #[error("no token for the ledger")]
    NoToken,
    #[error("the ledger did not answer: {0}")]
    Call(#[from] reqwest::Error),
    #[error("the ledger's answer does not fit the question")]
    Senseless,
}

#[derive(Serialize)]
struct Request {
    postings: Vec<Posting>,
    /// All or none.
    atomic: bool,
}

/// The names are those of account's contract.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract says posting_id")]
struct Posting {
    posting_id: Uuid,
    kind: &'static str,
    initiator_user_id: Uuid,
    by_operator: bool,
    from_account_id: Option<Uuid>,
    to_account_id: Option<Uuid>,
    amount: Money,
    hold_id: Option<Uuid>,
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Response {
    results: Vec<PostingResult>,
}

#[derive(Deserialize)]
struct PostingResult {
    posting_id: Uuid,
    outcome: Outcome,
    code: Option<String>,
    from: Option<Side>,
    to: Option<Side>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Applied,
    Refused,
}

#[derive(Deserialize)]
struct Side {
    user_id: Option<Uuid>,
}

impl Ledger {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Posts all, each for itself or all or none; each is applied at most once, however often it is sent.
    pub async fn post(&self, transactions: &[Transaction], atomic: bool) -> Result<Vec<Posted>, Unknown> {
        let token = self
            .identity
            .bearer("account", "postings:write")
            .await
            .map_err(|_| Unknown::NoToken)?;
        let answer = self
            .sidecar
            .request(Method::POST, "account", "/internal/postings")
            .bearer_auth(token)
            .timeout(TIMEOUT)
            .json(&Request {
                postings: transactions.iter().map(Posting::from).collect(),
                atomic,
            })
            .send()
            .await?;
        let results = answer.error_for_status()?.json::<Response>().await?.results;
        if results.len() != transactions.len() {
            return Err(Unknown::Senseless);
        }
        transactions
            .iter()
            .zip(results)
            .map(|(transaction, result)| result.of(transaction.id))
            .collect()
    }
}

impl PostingResult {
    fn of(self, id: Uuid) -> Result<Posted, Unknown> {
        let user = |side: Option<Side>| side.and_then(|side| side.user_id);
        match (self.posting_id == id, self.outcome, self.code) {
            (true, Outcome::Applied, _) => {
                let payer = user(self.from);
                let payee = user(self.to).or(payer).ok_or(Unknown::Senseless)?;
                Ok(Posted::Applied(Applied {
                    payer,
                    payee,
                    entries: self.entries,
                }))
            }
            (true, Outcome::Refused, Some(code)) => Ok(Posted::Refused(Failure::parse(&code))),
            _ => Err(Unknown::Senseless),
        }
    }
}

impl From<&Transaction> for Posting {
    fn from(transaction: &Transaction) -> Self {
        let order = &transaction.order;
        let kind = match (order.kind, order.by_operator) {
            (Kind::TopUp, true) => "deposit",
            (kind, _) => kind.as_str(),
        };
        // The ledger knows whose a hold is.
        let ends_a_hold = order.about.hold().is_some();
        Self {
            posting_id: transaction.id,
            kind,
            initiator_user_id: order.initiator,
            by_operator: order.by_operator,
            from_account_id: order.from.filter(|_| !ends_a_hold),
            to_account_id: order.to.filter(|_| !ends_a_hold),
            amount: order.amount,
            hold_id: order.about.hold(),
            expires_at: order.about.until(),
        }
    }
}
