use axum::Json;
use axum::extract::State;
use chrono::Utc;
use garde::Validate;
use identity::{Grant, Service};
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::store::profiles;

/// The gateway, at a first login.
pub struct Provisioner;

impl Grant for Provisioner {
    const CALLER: &str = "gateway";
    const SCOPE: &str = "provision";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisionRequest {
    #[garde(skip)]
    user_id: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct ProvisionResponse {
    provisioned: bool,
}

/// Makes the profile of a user who logs in for the first time; a repeat changes nothing.
#[utoipa::path(post, path = "/internal/provision", tag = "internal", request_body = ProvisionRequest,
    security(("service" = ["gateway", "provision"])), responses((status = 200, body = ProvisionResponse)))]
pub async fn provision(
    State(app): State<AppState>,
    _: Service<Provisioner>,
    problem::Json(request): problem::Json<ProvisionRequest>,
) -> Result<Json<ProvisionResponse>> {
    profiles::open(&mut *app.pool.acquire().await?, request.user_id, Utc::now()).await?;
    Ok(Json(ProvisionResponse { provisioned: true }))
}
