use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, SubsecRound, Utc};
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
    ledger::{Leg, Posted, Side, Unavailable},
};

/// Transaction, which drives every movement of money.
pub(crate) struct Poster;

impl Grant for Poster {
    const CALLER: &'static str = "transaction";
    const SCOPE: &'static str = "postings:write";
}

/// As many as go in one request; the body may be as large as that makes it.
pub(crate) const MOST_POSTINGS: usize = 1_000;
pub(crate) const BODY_LIMIT_BYTES: usize = 1024 * 1024;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostingsRequest {
    #[garde(length(min = 1, max = MOST_POSTINGS), dive)]
    #[schema(min_items = 1, max_items = 1000)]
    postings: Vec<PostingRequest>,
    /// All or none: if one is refused, the others are refused with `batch_refused`.
    #[garde(skip)]
    #[serde(default)]
    atomic: bool,
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostingRequest {
    /// A posting is applied at most once per id; a repeat gets the first result.
    #[garde(skip)]
    posting_id: Uuid,
    #[garde(custom(complete(self)))]
    kind: Kind,
    #[garde(skip)]
    initiator_user_id: Uuid,
    /// An operator acts on somebody else's account; the caller has checked the role.
    #[garde(skip)]
    #[serde(default)]
    by_operator: bool,
    /// Null where the money comes from outside, and of what ends a hold.
    #[garde(skip)]
    from_account_id: Option<Uuid>,
    /// Null where the money goes outside, and of what ends a hold.
    #[garde(skip)]
    to_account_id: Option<Uuid>,
    /// Of a void or an expiry: the whole amount of the hold.
    #[garde(skip)]
    amount: Money,
    /// The hold that a capture, a void or an expiry ends.
    #[garde(skip)]
    hold_id: Option<Uuid>,
    /// Until when a hold lasts.
    #[garde(skip)]
    expires_at: Option<DateTime<Utc>>,
}

/// Each kind names exactly what it is about.
fn complete(request: &PostingRequest) -> impl FnOnce(&Kind, &()) -> garde::Result + '_ {
    move |kind, ()| {
        let ends = kind.ends_a_hold();
        let fits = request.hold_id.is_some() == ends
            && request.expires_at.is_some() == (*kind == Kind::Hold)
            && request.from_account_id.is_none() == (ends || kind.is_from_outside())
            && request.to_account_id.is_none() == (ends || kind.is_to_outside());
        if fits {
            Ok(())
        } else {
            Err(garde::Error::new("does not go with the ids that are given"))
        }
    }
}

impl From<PostingRequest> for Posting {
    fn from(request: PostingRequest) -> Self {
        Self {
            id: request.posting_id,
            kind: request.kind,
            initiator: request.initiator_user_id,
            by_operator: request.by_operator,
            from: request.from_account_id,
            to: request.to_account_id,
            amount: request.amount,
            hold_id: request.hold_id,
            // As the database keeps it, so that a repeat is known as one.
            expires_at: request.expires_at.map(|at| at.trunc_subsecs(6)),
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
    /// What it has moved; the amounts sum to zero. Without: it was refused. Empty: it only reserves or releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<LegView>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LegView {
    account_id: Uuid,
    /// Negative: money left the account.
    amount_minor: Minor,
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
    let posted = if request.atomic {
        app.ledger.post_all_or_none(postings).await
    } else {
        app.ledger.post(postings).await
    };
    let posted = posted.map_err(|unavailable| match unavailable {
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
                entries: Some(sides.legs.into_iter().map(LegView::from).collect()),
            },
            Err(refusal) => Self {
                posting_id,
                outcome: OutcomeView::Refused,
                code: Some(refusal.code()),
                from: None,
                to: None,
                entries: None,
            },
        }
    }
}

impl From<Leg> for LegView {
    fn from(leg: Leg) -> Self {
        Self {
            account_id: leg.account_id,
            amount_minor: leg.amount,
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
