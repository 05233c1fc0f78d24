//! The answer to a finished transaction: made once, stored, and given again byte for byte.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use problem::{PROBLEM_JSON, Problem};

use crate::{
    domain::{Failure, State, Transaction},
    routes::TransactionView,
    store::Answer,
};

/// `201` with the transaction, or the problem why it failed.
pub fn of(transaction: &Transaction) -> serde_json::Result<Answer> {
    match transaction.state {
        State::Pending | State::Completed(_) => {
            let viewer = transaction.order.initiator;
            Ok(Answer {
                status: StatusCode::CREATED.as_u16(),
                body: serde_json::to_vec(&TransactionView::of(transaction.clone(), viewer))?,
            })
        }
        State::Failed(failure) => {
            let problem = problem_of(failure);
            Ok(Answer {
                status: problem.status().as_u16(),
                body: serde_json::to_vec(&problem.to_json())?,
            })
        }
    }
}

/// How a failure is told.
pub fn problem_of(failure: Failure) -> Problem {
    let status = match failure {
        Failure::AccountNotFound | Failure::HoldNotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, failure.code(), failure.title())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let media_type = if status.is_success() {
            "application/json"
        } else {
            PROBLEM_JSON
        };
        (
            status,
            [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))],
            self.body,
        )
            .into_response()
    }
}
