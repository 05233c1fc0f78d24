use axum::{extract::State, http::StatusCode, response::Response};
use chrono::TimeDelta;
use garde::Validate;
use identity::User;
use money::{Minor, Money};
use problem::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable,
    idempotent::{answered, made, made_before, now},
    payee::{invalid, person, person_named},
    show_payment_request::PaymentRequestView,
};
use crate::{
    AppState, answer,
    domain::{Failure, IdempotencyKey, PaymentRequest, Person, RequestHash, RequestState},
    events::payment_request_changed,
    people::Known,
    store,
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPaymentRequest {
    /// Who is to pay.
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(min_length = 1, max_length = 254)]
    payer_username: Option<String>,
    /// In the place of the name.
    #[garde(skip)]
    payer_user_id: Option<Uuid>,
    /// It goes to the account in which the caller gets money of this currency.
    #[garde(skip)]
    amount: Money,
    /// What both parties see.
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    note: Option<String>,
    /// How long it can be paid, in seconds: two weeks by default, 90 days at most.
    #[garde(range(min = 1, max = 7_776_000))]
    #[serde(default = "two_weeks")]
    #[schema(minimum = 1, maximum = 7_776_000, default = 1_209_600)]
    expires_in_s: u32,
}

fn two_weeks() -> u32 {
    1_209_600
}

/// Asks somebody for money. Nothing moves until they pay.
#[utoipa::path(post, path = "/payment-requests", tag = "payment requests", request_body = NewPaymentRequest,
    security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = PaymentRequestView),
        (status = 404, description = "payee_not_found: nobody is there who could pay; account_not_found: the caller has no \
                                      account that takes this currency"),
        (status = 422, description = "invalid_amount, too_many_payment_requests, idempotency_key_reused, \
                                      invalid_request"),
        (status = 503, description = "payee_unavailable"),
    ))]
pub(crate) async fn create_payment_request(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<NewPaymentRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("payment_request", &request)?;
    if request.amount.amount_minor <= Minor::ZERO {
        return Err(answer::problem_of(Failure::InvalidAmount));
    }
    // A name may mean nobody any more when a request comes again.
    if let Some(answer) = answered(&app, user.id, &key, hash).await? {
        return Ok(answer);
    }
    let payer = match (request.payer_username, request.payer_user_id) {
        (Some(name), None) => person_named(&app, &name).await?,
        (None, Some(id)) => person(&app, id).await?,
        _ => {
            return Err(invalid(
                "payer_username",
                "give either payer_username or payer_user_id",
            ));
        }
    };
    if payer.user_id == user.id {
        return Err(invalid("payer_username", "is the caller"));
    }
    let to = app.people.account_of(user.id, request.amount.currency).await?;
    let created_at = now();
    let made_now = PaymentRequest {
        id: Uuid::now_v7(),
        requester: known(person(&app, user.id).await?),
        payer: known(payer),
        to: to.ok_or_else(|| answer::problem_of(Failure::AccountNotFound))?,
        amount: request.amount,
        note: request.note,
        state: RequestState::Open,
        transaction_id: None,
        created_at,
        expires_at: created_at + TimeDelta::seconds(request.expires_in_s.into()),
        ended_at: None,
    };
    let (id, event) = (made_now.id, payment_request_changed(&made_now)?);
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = made_before(&mut tx, user.id, &key, hash, id).await? {
        return Ok(answer);
    }
    if !store::payment_requests::insert(&mut tx, &made_now).await? {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too_many_payment_requests",
            "There are 100 open payment requests already",
        ));
    }
    let response = made(&mut tx, user.id, id, &PaymentRequestView::of(made_now)).await?;
    outbox::enqueue(&mut tx, &event).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(response)
}

fn known(known: Known) -> Person {
    Person {
        user_id: known.user_id,
        username: Some(known.username),
    }
}
