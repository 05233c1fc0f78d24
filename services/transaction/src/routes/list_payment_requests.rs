use axum::{Json, extract::State};
use garde::Validate;
use identity::User;
use page::{Page, Paging};
use problem::Query;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::show_payment_request::PaymentRequestView;
use crate::{
    AppState,
    domain::RequestState,
    store::{self, payment_requests::Which},
};

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentRequestQuery {
    /// Both by default.
    #[garde(skip)]
    #[param(inline)]
    direction: Option<Direction>,
    #[garde(skip)]
    #[param(inline)]
    state: Option<RequestState>,
    /// How many items, 50 by default.
    #[garde(skip)]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page of the list.
    #[garde(skip)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// The caller is to pay.
    Incoming,
    /// The caller has asked.
    Outgoing,
}

/// What the caller is asked to pay, and what the caller has asked of others, newest first.
#[utoipa::path(get, path = "/payment-requests", tag = "payment requests", params(PaymentRequestQuery),
    security(("bearer" = ["user"])), responses((status = 200, body = Page<PaymentRequestView>)))]
pub(crate) async fn list_payment_requests(
    State(app): State<AppState>,
    user: User,
    Query(query): Query<PaymentRequestQuery>,
) -> problem::Result<Json<Page<PaymentRequestView>>> {
    let paging = Paging::of(query.limit, query.cursor)?;
    let which = Which {
        incoming: query.direction != Some(Direction::Outgoing),
        outgoing: query.direction != Some(Direction::Incoming),
        state: query.state,
    };
    let place = paging.place()?;
    let mut db = app.pool.acquire().await?;
    let rows = store::payment_requests::list(&mut db, user.id, &which, place, paging.rows()).await?;
    Ok(Json(paging.page(
        &place,
        rows,
        |row| row.id,
        PaymentRequestView::of,
    )))
}
