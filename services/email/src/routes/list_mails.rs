use axum::Json;
use axum::extract::State;
use garde::Validate;
use identity::Operator;
use page::{Page, Paging};
use problem::Result;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::MailView;
use crate::AppState;
use crate::store::admin;

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    Queued,
    Sent,
    Unwanted,
    Bounced,
    #[default]
    Failed,
}

impl MailState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Unwanted => "unwanted",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
        }
    }
}

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct MailQuery {
    /// `failed` by default.
    #[serde(default)]
    #[param(inline)]
    state: MailState,
    /// How many items, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page of the list.
    cursor: Option<String>,
}

/// The mails of one state, newest first.
#[utoipa::path(get, path = "/admin/mails", tag = "admin", params(MailQuery), security(("bearer" = ["operator"])),
    responses((status = 200, body = Page<MailView>), (status = 400, description = "invalid_query, invalid_cursor")))]
pub async fn list_mails(
    State(app): State<AppState>,
    _: Operator,
    problem::Query(query): problem::Query<MailQuery>,
) -> Result<Json<Page<MailView>>> {
    let paging = Paging::of(query.limit, query.cursor)?;
    let place = paging.place::<Uuid>()?;
    let mut conn = app.pool.acquire().await?;
    let rows = admin::of_state(&mut conn, query.state.as_str(), place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.id, MailView::from)))
}
