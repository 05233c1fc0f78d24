use axum::{Json, extract::State};
use garde::Validate;
use identity::{Grant, Service};
use page::{Page, Place};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::TransactionView;
use crate::{
    AppState,
    store::{self, Filter},
};

/// The gateway, after a login.
pub(crate) struct Provisioner;

impl Grant for Provisioner {
    const CALLER: &'static str = "gateway";
    const SCOPE: &'static str = "provision";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvisionRequest {
    #[garde(skip)]
    user_id: Uuid,
}

/// How many transactions a login shows.
const NEWEST: i64 = 10;

/// A user logs in: there is nothing to make, and the newest transactions are the answer. A new user has none.
#[utoipa::path(post, path = "/internal/provision", tag = "internal", request_body = ProvisionRequest,
    security(("service" = ["gateway", "provision"])),
    responses((status = 200, body = Page<TransactionView>)))]
pub(crate) async fn provision(
    State(app): State<AppState>,
    _: Service<Provisioner>,
    problem::Json(request): problem::Json<ProvisionRequest>,
) -> problem::Result<Json<Page<TransactionView>>> {
    let mut db = app.pool.acquire().await?;
    let rows = store::history(&mut db, request.user_id, &Filter::default(), Place::Start, NEWEST).await?;
    Ok(Json(Page {
        items: rows
            .into_iter()
            .map(|row| TransactionView::of(row, request.user_id))
            .collect(),
        next_cursor: None,
        previous_cursor: None,
    }))
}
