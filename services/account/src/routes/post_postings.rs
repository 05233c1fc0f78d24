use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use identity::{Grant, Service};
use money::{Minor, Money};
use problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    AppState,
    domain::{Kind, Posting},
    ledger::{Posted, Side, Unavailable},
};

/// Transaction, which drives every movement of money.
pub(crate) struct Poster;

impl Grant for Poster {
    const CALLER: &'static str = "transaction";
    const SCOPE: &'static str = "postings:write";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostingsRequest {
    #[garde(length(min = 1, max = 256))]
    #[schema(min_items = 1, max_items = 256)]
    postings: Vec<PostingRequest>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostingRequest {
    /// A posting is applied at most once per id; a repeat gets the first result.
    posting_id: Uuid,
    kind: Kind,
    initiator_user_id: Uuid,
    /// Null where the money comes from outside.
    from_account_id: Option<Uuid>,
    to_account_id: Uuid,
    amount: Money,
}

impl From<PostingRequest> for Posting {
    fn from(request: PostingRequest) -> Self {
        Self {
            id: request.posting_id,
            kind: request.kind,
            initiator: request.initiator_user_id,
            from: request.from_account_id,
            to: request.to_account_id,
            amount: request.amount,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PostingsResponse {
    /// One for each posting, in the same order.
    results: Vec<PostingResult>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PostingResult {
    posting_id: Uuid,
    outcome: OutcomeView,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<SideView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<SideView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeView {
    Applied,
    Refused,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SideView {
    account_id: Uuid,
    /// Null: a system account.
    user_id: Option<Uuid>,
    /// The balance right after the posting.
    balance_minor: Minor,
}

/// Applies postings, each for itself: a refusal concerns its posting alone. If the answer is an error or is lost, the
/// outcome is unknown and the same postings can be sent again.
#[utoipa::path(post, path = "/internal/postings", tag = "internal", request_body = PostingsRequest,
    security(("service" = ["transaction", "postings:write"])),
    responses((status = 200, body = PostingsResponse), (status = 503, description = "busy, ledger_unavailable")))]
pub(crate) async fn post_postings(
    State(app): State<AppState>,
    _: Service<Poster>,
    problem::Json(request): problem::Json<PostingsRequest>,
) -> problem::Result<Json<PostingsResponse>> {
    let postings = request.postings.into_iter().map(Posting::from).collect();
    let posted = app
        .ledger
        .post(postings)
        .await
        .map_err(|unavailable| match unavailable {
            Unavailable::Busy => Problem::busy(1),
            Unavailable::Failed => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ledger_unavailable",
                "The ledger can't be written right now",
            )
            .retry_after_s(1),
        })?;
    Ok(Json(PostingsResponse {
        results: posted.into_iter().map(PostingResult::from).collect(),
    }))
}

impl From<Posted> for PostingResult {
    fn from(posted: Posted) -> Self {
        let (posting_id, outcome) = (posted.posting_id, posted.outcome);
        match outcome {
            Ok(sides) => Self {
                posting_id,
                outcome: OutcomeView::Applied,
                code: None,
                from: Some(sides.from.into()),
                to: Some(sides.to.into()),
            },
            Err(refusal) => Self {
                posting_id,
                outcome: OutcomeView::Refused,
                code: Some(refusal.code()),
                from: None,
                to: None,
            },
        }
    }
}

impl From<Side> for SideView {
    fn from(side: Side) -> Self {
        Self {
            account_id: side.account_id,
            user_id: side.user_id,
            balance_minor: side.balance,
        }
    }
}
