use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use identity::User;
use money::Money;
use problem::{Path, Problem};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    AppState,
    domain::{PaymentRequest, RequestState},
    store,
};

/// A payment request, as both of its parties see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentRequestView {
    pub id: Uuid,
    pub state: RequestState,
    /// Who has asked.
    pub requester_user_id: Uuid,
    /// Null: they are not there any more.
    pub requester_username: Option<String>,
    /// Who is to pay.
    pub payer_user_id: Uuid,
    pub payer_username: Option<String>,
    pub to_account_id: Uuid,
    pub amount: Money,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// What has paid it. While it is open: a payment whose outcome is not known yet.
    pub transaction_id: Option<Uuid>,
}

impl PaymentRequestView {
    pub fn of(request: PaymentRequest) -> Self {
        Self {
            id: request.id,
            state: request.state,
            requester_user_id: request.requester.user_id,
            requester_username: request.requester.username,
            payer_user_id: request.payer.user_id,
            payer_username: request.payer.username,
            to_account_id: request.to,
            amount: request.amount,
            note: request.note,
            created_at: request.created_at,
            expires_at: request.expires_at,
            ended_at: request.ended_at,
            transaction_id: request.transaction_id,
        }
    }
}

/// One payment request, for who has asked and who is to pay.
#[utoipa::path(get, path = "/payment-requests/{id}", tag = "payment requests", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses((status = 200, body = PaymentRequestView), (status = 404, description = "payment_request_not_found")))]
pub(crate) async fn show_payment_request(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<PaymentRequestView>> {
    let mut db = app.pool.acquire().await?;
    let request = find(&mut db, id, |request| {
        [request.requester.user_id, request.payer.user_id].contains(&user.id)
    });
    Ok(Json(PaymentRequestView::of(request.await?)))
}

/// A payment request that somebody may do something with.
pub(super) async fn find(
    db: &mut PgConnection,
    id: Uuid,
    may: impl Fn(&PaymentRequest) -> bool,
) -> problem::Result<PaymentRequest> {
    let found = store::payment_requests::find(db, id)
        .await?
        .filter(|found| may(found));
    // There is none, or it is somebody else's: the answer does not tell which.
    found.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "payment_request_not_found",
            "There is no such payment request, or it is not yours to do this with",
        )
    })
}
