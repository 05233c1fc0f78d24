//! What operators see and do: the routes under `/admin/<service>/dead-letters`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::{Identity, Operator};
use page::{Page, Paging};
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::letters::{self, Row, Which};

/// An event that had no effect here yet.
#[derive(Serialize, ToSchema)]
pub struct DeadLetter {
    id: Uuid,
    /// The `CloudEvent`'s id; none in what is no event.
    event_id: Option<Uuid>,
    topic: String,
    /// Why the last attempt failed.
    reason: String,
    attempts: i32,
    first_failed_at: DateTime<Utc>,
    last_failed_at: DateTime<Utc>,
    /// When it is tried again; none if only an operator can help.
    next_attempt_at: Option<DateTime<Utc>>,
    /// The event; what is no JSON as a text in Base64. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
}

#[derive(Serialize, ToSchema)]
pub struct Replayed {
    /// How many are tried again now.
    replayed: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterState {
    /// It will be tried again.
    Waiting,
    /// Only an operator can help.
    Dead,
}

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSearch {
    #[garde(length(max = 100))]
    topic: Option<String>,
    #[garde(skip)]
    #[param(inline)]
    state: Option<DeadLetterState>,
    /// How many items, 50 by default, 200 at most.
    #[garde(skip)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page of the list.
    #[garde(skip)]
    cursor: Option<String>,
}

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReplayOf {
    #[garde(length(max = 100))]
    topic: Option<String>,
    #[garde(skip)]
    #[param(inline)]
    state: Option<DeadLetterState>,
}

/// The routes, to be nested at `/admin/<service>/dead-letters`.
pub fn admin<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PgPool: FromRef<S>,
    Identity: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_dead_letters))
        .routes(routes!(show_dead_letter, discard_dead_letter))
        .routes(routes!(replay_dead_letter))
        .routes(routes!(replay_dead_letters))
}

/// Events that had no effect here yet, the newest first.
#[utoipa::path(get, path = "", tag = "admin", params(DeadLetterSearch), security(("bearer" = ["operator"])),
    responses((status = 200, body = Page<DeadLetter>)))]
async fn list_dead_letters(
    State(pool): State<PgPool>,
    _: Operator,
    problem::Query(search): problem::Query<DeadLetterSearch>,
) -> Result<Json<Page<DeadLetter>>> {
    let paging = Paging::of(search.limit, search.cursor)?;
    let place = paging.place()?;
    let which = which(search.topic.as_deref(), search.state.as_ref());
    let rows = letters::list(&mut *pool.acquire().await?, &which, place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.id, DeadLetter::brief)))
}

/// One of them, with its payload.
#[utoipa::path(get, path = "/{id}", tag = "admin", params(("id" = Uuid, Path)), security(("bearer" = ["operator"])),
    responses((status = 200, body = DeadLetter)))]
async fn show_dead_letter(
    State(pool): State<PgPool>,
    _: Operator,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<Json<DeadLetter>> {
    let row = letters::find(&mut *pool.acquire().await?, id).await?;
    row.map(DeadLetter::whole).map(Json).ok_or_else(not_found)
}

/// Has it tried again now, from the first attempt on.
#[utoipa::path(post, path = "/{id}/replay", tag = "admin", params(("id" = Uuid, Path)), security(("bearer" = ["operator"])),
    responses((status = 202)))]
async fn replay_dead_letter(
    State(pool): State<PgPool>,
    _: Operator,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<StatusCode> {
    match letters::replay(&mut *pool.acquire().await?, Some(id), &Which::default()).await? {
        0 => Err(not_found()),
        _ => Ok(StatusCode::ACCEPTED),
    }
}

/// Has all of them tried again now, or those of a topic or a state.
#[utoipa::path(post, path = "/replay", tag = "admin", params(ReplayOf), security(("bearer" = ["operator"])),
    responses((status = 202, body = Replayed)))]
async fn replay_dead_letters(
    State(pool): State<PgPool>,
    _: Operator,
    problem::Query(of): problem::Query<ReplayOf>,
) -> Result<(StatusCode, Json<Replayed>)> {
    let which = which(of.topic.as_deref(), of.state.as_ref());
    let replayed = letters::replay(&mut *pool.acquire().await?, None, &which).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed })))
}

/// Gives it up: it will have no effect.
#[utoipa::path(delete, path = "/{id}", tag = "admin", params(("id" = Uuid, Path)), security(("bearer" = ["operator"])),
    responses((status = 204)))]
async fn discard_dead_letter(
    State(pool): State<PgPool>,
    Operator(operator): Operator,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<StatusCode> {
    if !letters::remove(&mut *pool.acquire().await?, id).await? {
        return Err(not_found());
    }
    tracing::warn!(%id, by = %operator.id, "a dead letter was discarded");
    Ok(StatusCode::NO_CONTENT)
}

fn which<'a>(topic: Option<&'a str>, state: Option<&DeadLetterState>) -> Which<'a> {
    let waiting = state.map(|state| matches!(state, DeadLetterState::Waiting));
    Which { topic, waiting }
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "dead_letter_not_found",
        "There is no such dead letter",
    )
}

impl DeadLetter {
    pub fn brief(row: Row) -> Self {
        Self {
            id: row.id,
            event_id: row.event_id,
            topic: row.topic,
            reason: row.reason,
            attempts: row.attempts,
            first_failed_at: row.first_failed_at,
            last_failed_at: row.last_failed_at,
            next_attempt_at: row.next_attempt_at,
            payload: None,
        }
    }

    pub fn whole(row: Row) -> Self {
        let text = || BASE64_STANDARD.encode(&row.payload).into();
        let payload = serde_json::from_slice(&row.payload).unwrap_or_else(|_| text());
        Self {
            payload: Some(payload),
            ..Self::brief(row)
        }
    }
}
