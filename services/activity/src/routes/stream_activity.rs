use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use futures_util::stream::unfold;
use identity::User;
use problem::{Problem, Result};

use super::list_activity::{ActivityItem, language};
use crate::AppState;
use crate::domain::words::Language;
use crate::live;
use crate::store::feed::FeedRow;
use crate::store::live::{lines_after, newest};

const LAST_EVENT_ID: &str = "last-event-id";
/// A net: new lines wake the stream.
const POLL: Duration = Duration::from_secs(15);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After how long a browser connects again.
const RETRY: Duration = Duration::from_secs(1);
const LINES_AT_A_TIME: i64 = 100;

/// New lines of the caller's feed as they come, as server-sent events named `activity`, each with an item of `GET /activity`. With the
/// `Last-Event-ID` of another stream it begins with what has come since, and otherwise with what comes next. It ends
/// with the token; connect again.
#[utoipa::path(get, path = "/activity/stream", tag = "activity", security(("bearer" = ["user"])),
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 429, description = "too_many_streams"), (status = 503, description = "busy")))]
pub async fn stream_activity(
    State(app): State<AppState>,
    user: User,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let resumed = last_seen(&headers)?;
    let stream = app.live.open(user.id)?;
    let after = match resumed {
        Some(after) => after,
        None => newest(&mut *app.pool.acquire().await?, user.id).await?,
    };
    let feed = Feed {
        app,
        headers,
        stream,
        after,
        begun: false,
        ready: VecDeque::new(),
    };
    let events = unfold(feed, async |mut feed| {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(CACHE_CONTROL, "no-store")], events))
}

struct Feed {
    app: AppState,
    /// Hold the token, which has to be good as long as the stream is open.
    headers: HeaderMap,
    stream: live::Stream,
    /// The last line that was read.
    after: i64,
    begun: bool,
    ready: VecDeque<Event>,
}

impl Feed {
    /// None: it ends, and the client connects again.
    async fn next(&mut self) -> Option<Event> {
        if !self.begun {
            self.begun = true;
            // It says where the stream begins, also to whoever has not seen a line yet, and carries the headers through sidecars,
            // which send them with the first bytes.
            return Some(Event::default().retry(RETRY).id(self.after.to_string()));
        }
        while self.ready.is_empty() {
            if self.stream.is_closed() || self.app.identity.user(&self.headers).await.is_err() {
                return None;
            }
            self.read().await?;
            if self.ready.is_empty() {
                // Whichever it was, the lines are looked for.
                let _ = tokio::time::timeout(POLL, self.stream.woken()).await;
            }
        }
        self.ready.pop_front()
    }

    async fn read(&mut self) -> Option<()> {
        let read = async {
            let mut conn = self.app.pool.acquire().await?;
            lines_after(&mut conn, self.stream.user_id(), self.after, LINES_AT_A_TIME).await
        };
        let rows = read
            .await
            .map_err(|error| tracing::warn!(%error, "a stream could not be read on"));
        let language = language(&self.headers);
        for row in rows.ok()? {
            self.after = row.seq;
            self.ready.push_back(event(row, language).ok()?);
        }
        Some(())
    }
}

fn event(row: FeedRow, language: Language) -> Result<Event, axum::Error> {
    let event = Event::default().event("activity").id(row.seq.to_string());
    event.json_data(ActivityItem::new(row, language))
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(header) = headers.get(LAST_EVENT_ID).filter(|header| !header.is_empty()) else {
        return Ok(None);
    };
    let seq = header.to_str().ok().and_then(|text| text.parse().ok());
    let seq = seq.filter(|seq| *seq >= 0).ok_or_else(invalid_cursor)?;
    Ok(Some(seq))
}

fn invalid_cursor() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_cursor",
        "Last-Event-ID is no id of an event of this stream",
    )
}
