use axum::{Json, extract::State};
use garde::Validate;
use identity::{Grant, Service};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AppState, store};

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

#[derive(Serialize, ToSchema)]
pub(crate) struct Provisioned {
    provisioned: bool,
}

/// Sees to it that a user has the accounts that everybody gets. Any number of times, also at once.
#[utoipa::path(post, path = "/internal/provision", tag = "internal", request_body = ProvisionRequest,
    security(("service" = ["gateway", "provision"])), responses((status = 200, body = Provisioned)))]
pub(crate) async fn provision(
    State(app): State<AppState>,
    _: Service<Provisioner>,
    problem::Json(request): problem::Json<ProvisionRequest>,
) -> problem::Result<Json<Provisioned>> {
    let mut db = app.pool.acquire().await?;
    store::accounts::provision(&mut db, request.user_id).await?;
    Ok(Json(Provisioned { provisioned: true }))
}
