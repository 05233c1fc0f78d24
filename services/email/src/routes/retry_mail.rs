use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::Operator;
use problem::{Path, Problem, Result};
use uuid::Uuid;

use super::MailView;
use crate::AppState;
use crate::store::admin;

/// Sends a mail that bounced or was given up once more. A repeat changes nothing while it waits.
#[utoipa::path(post, path = "/admin/mails/{id}/retry", tag = "admin", params(("id" = Uuid, Path)),
    security(("bearer" = ["operator"])),
    responses((status = 200, body = MailView), (status = 404, description = "mail_not_found"),
        (status = 409, description = "mail_not_retryable")))]
pub async fn retry_mail(
    State(app): State<AppState>,
    operator: Operator,
    Path(id): Path<Uuid>,
) -> Result<Json<MailView>> {
    let mut tx = app.pool.begin().await?;
    let mail = admin::lock(&mut tx, id).await?.ok_or_else(mail_not_found)?;
    let mail = match &*mail.state {
        "queued" => mail,
        "bounced" | "failed" => admin::queue_again(&mut tx, id).await?,
        _ => return Err(mail_not_retryable()),
    };
    tx.commit().await?;
    app.wake.notify_one();
    tracing::info!(operator = %operator.0.id, mail_id = %id, "an operator let a mail be sent again");
    Ok(Json(mail.into()))
}

fn mail_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "mail_not_found", "There is no such mail")
}

fn mail_not_retryable() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "mail_not_retryable",
        "The mail was sent, or its user does not want it",
    )
}
