//! The first login: every service that keeps something for a user is told at once. Who can't answer now makes up for it
//! at the user's first request there.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::answer;

const PATIENCE: Duration = Duration::from_secs(2);
const SCOPE: &str = "provision";

/// Which services have made what they keep for the user.
#[derive(Serialize, ToSchema)]
pub struct Provisioned {
    user: bool,
    account: bool,
    transaction: bool,
}

pub async fn provision(app: &AppState, user_id: Uuid) -> Provisioned {
    let (user, account, transaction) = tokio::join!(
        provision_at(app, "user", user_id),
        provision_at(app, "account", user_id),
        provision_at(app, "transaction", user_id),
    );
    Provisioned {
        user,
        account,
        transaction,
    }
}

async fn provision_at(app: &AppState, service: &'static str, user_id: Uuid) -> bool {
    let call = async {
        let bearer = app.identity.bearer(service, SCOPE).await.ok()?;
        let request = app.sidecar.request(Method::POST, service, "/internal/provision");
        let request = request.bearer_auth(bearer).json(&json!({ "user_id": user_id }));
        answer::call(app, request).await.ok()
    };
    let answer = tokio::time::timeout(PATIENCE, call).await.ok().flatten();
    let done = answer.is_some_and(|answer| answer.status.is_success());
    if !done {
        tracing::warn!(
            service,
            "not provisioned at the first login; the service makes up for it"
        );
    }
    done
}
