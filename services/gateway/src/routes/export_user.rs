use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_DISPOSITION};
use axum::http::{HeaderMap, Method};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use problem::Result;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::AppState;
use crate::access::{self, Caller, Refused};
use crate::answer::call;
use crate::auth::AUTH;

const PAGE: u32 = 200;
/// Of each list; whoever has more reads it page by page.
const MOST_PAGES: u32 = 50;

/// All that the services know of a user, each part as its own route answers it.
#[derive(Serialize, ToSchema)]
pub struct Export {
    made_at: DateTime<Utc>,
    account: Value,
    sessions: Value,
    profile: Value,
    preferences: Value,
    accounts: Vec<AccountExport>,
    transactions: Items,
    activity: Items,
}

#[derive(Serialize, ToSchema)]
pub struct AccountExport {
    account: Value,
    entries: Items,
}

/// The newest of a list, 10,000 at most.
#[derive(Serialize, ToSchema)]
pub struct Items {
    items: Vec<Value>,
    /// Whether these are all.
    complete: bool,
}

/// A download of the caller's own data.
#[utoipa::path(get, path = "/users/me/export", tag = "profile", security(("session" = []), ("bearer" = [])),
    responses((status = 200, body = Export), (status = 429, description = "`rate_limited`")))]
pub async fn export_user(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refused> {
    let caller = access::caller(&app, &Method::GET, &headers).await?;
    app.limits.export(caller.user_id)?;
    let source = Source {
        app: &app,
        caller: &caller,
    };
    let mut accounts = Vec::new();
    for account in source.one("account", "/accounts").await?["items"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let path = format!("/accounts/{}/entries", account["id"].as_str().unwrap_or_default());
        accounts.push(AccountExport {
            account: account.clone(),
            entries: source.all("account", &path).await?,
        });
    }
    let export = Export {
        made_at: Utc::now(),
        account: source.one(AUTH, "/auth/account").await?,
        sessions: source.one(AUTH, "/auth/sessions").await?,
        profile: source.one("user", "/users/me").await?,
        preferences: source.one("user", "/users/me/preferences").await?,
        accounts,
        transactions: source.all("transaction", "/transactions").await?,
        activity: source.all("activity", "/activity").await?,
    };
    let download = [(CONTENT_DISPOSITION, "attachment; filename=\"payme.json\"")];
    Ok((download, Json(export)))
}

/// The services, as the caller may read them.
struct Source<'a> {
    app: &'a AppState,
    caller: &'a Caller,
}

impl Source<'_> {
    async fn one(&self, service: &'static str, path: &str) -> Result<Value> {
        let request = self.app.sidecar.request(Method::GET, service, path);
        let answer = call(
            self.app,
            request.header(AUTHORIZATION, self.caller.authorization.clone()),
        )
        .await?;
        answer.done()?;
        answer.json()
    }

    /// All pages of a list, up to a bound.
    async fn all(&self, service: &'static str, path: &str) -> Result<Items> {
        let mut items = Vec::new();
        let mut next = format!("{path}?limit={PAGE}");
        for _ in 0..MOST_PAGES {
            let mut page = self.one(service, &next).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            let Some(cursor) = page["next_cursor"].as_str() else {
                return Ok(Items {
                    items,
                    complete: true,
                });
            };
            next = format!("{path}?limit={PAGE}&cursor={cursor}");
        }
        Ok(Items {
            items,
            complete: false,
        })
    }
}
