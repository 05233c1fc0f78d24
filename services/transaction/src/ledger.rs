//! The call to `account`: postings go out together, results come back in their order.

use std::time::Duration;

use axum::http::Method;
use identity::Identity;
use money::Money;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Money has reached an account of the user `payee`.
    Applied {
        payee: Uuid,
    },
    Refused(Failure),
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
}

/// The names are those of account's contract.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract says posting_id")]
struct Posting {
    posting_id: Uuid,
    kind: &'static str,
    initiator_user_id: Uuid,
    from_account_id: Option<Uuid>,
    to_account_id: Uuid,
    amount: Money,
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
    to: Option<Side>,
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

    /// Posts all; each is applied at most once, however often it is sent.
    pub async fn post(&self, transactions: &[Transaction]) -> Result<Vec<Posted>, Unknown> {
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
        match (self.posting_id == id, self.outcome, self.code, self.to) {
            (true, Outcome::Applied, _, Some(Side { user_id: Some(payee) })) => Ok(Posted::Applied { payee }),
            (true, Outcome::Refused, Some(code), _) => Ok(Posted::Refused(Failure::parse(&code))),
            _ => Err(Unknown::Senseless),
        }
    }
}

impl From<&Transaction> for Posting {
    fn from(transaction: &Transaction) -> Self {
        let order = &transaction.order;
        let kind = match (order.kind, order.by_operator) {
            (Kind::Transfer, _) => "transfer",
            (Kind::TopUp, false) => "top_up",
            (Kind::TopUp, true) => "deposit",
        };
        Self {
            posting_id: transaction.id,
            kind,
            initiator_user_id: order.initiator,
            from_account_id: order.from,
            to_account_id: order.to,
            amount: order.amount,
        }
    }
}
