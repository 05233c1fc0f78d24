use alert::{Alert, Kind};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Duration, Utc};
use garde::Validate;
use identity::Service;
use problem::{FieldError, Problem, Result};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{SessionAccess, Sessions, invalid_credentials, limited, refresh_session};
use crate::AppState;
use crate::domain::credentials::{is_sha256, normal};
use crate::domain::limits;
use crate::domain::standing::{Failures, Refusal, standing};
use crate::events::{Reason, security_alert, user_logged_in};
use crate::second_factor;
use crate::sessions::{self, Access, remember};
use crate::store::sessions::Session;
use crate::store::users::User;
use crate::store::{self, attempts, devices, users};

/// Devices are forgotten after months, so a day is close enough.
const DEVICE_NOTED_EVERY: Duration = Duration::days(1);

/// Either `username` or `email`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[garde(length(max = 254))]
    username: Option<String>,
    #[garde(length(max = 254))]
    email: Option<String>,
    #[garde(length(max = 512))]
    password: String,
    /// Of the authenticator app, where the user has one.
    #[garde(length(max = 16))]
    code: Option<String>,
    /// In the place of `code`; each is good for one use.
    #[garde(length(max = 64))]
    recovery_code: Option<String>,
    #[garde(dive)]
    client: LoginClient,
}

/// Who logs in, as the gateway sees them.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginClient {
    /// What the gateway will know a browser's session by. Other clients have none, and get a refresh token instead.
    #[garde(inner(custom(is_sha256)))]
    session_ref: Option<String>,
    /// The session whose cookie came with the login: it ends.
    #[garde(inner(custom(is_sha256)))]
    replaces: Option<String>,
    /// The hash of what the client keeps to be known by.
    #[garde(custom(is_sha256))]
    device: String,
    /// Coarse: `Firefox on Linux`.
    #[garde(length(max = 64))]
    device_label: String,
    /// The prefix of the network that the request came from.
    #[garde(length(max = 64))]
    network: String,
}

#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    /// Whether this user never logged in before: then the services make what they need for them.
    first_login: bool,
    #[serde(flatten)]
    access: SessionAccess,
}

/// Begins a session for whoever has the right password, and the second factor where there is one.
#[utoipa::path(post, path = "/login", tag = "internal", request_body = LoginRequest,
    security(("service" = ["gateway", "auth:sessions"])), responses((status = 200, body = LoginResponse),
    (status = 401, description = "`invalid_credentials`, `second_factor_required`"),
    (status = 403, description = "`account_disabled`, `account_expired`, `account_locked`, `email_unverified`, `second_factor_invalid`"),
    (status = 429, description = "`rate_limited`")))]
pub async fn login(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<LoginRequest>,
) -> Result<(HeaderMap, Json<LoginResponse>)> {
    let name = match (&request.username, &request.email) {
        (Some(name), None) | (None, Some(name)) => normal(name),
        _ => return Err(one_name()),
    };
    let now = Utc::now();
    limited(&app, &limits::login(&name, &request.client.network), now).await?;
    let mut tried = Tried::find(&app, &name, &request.client).await?;
    if tried.device_seen_at.is_none() {
        limited(&app, &[limits::login_from_unknown_devices(&name)], now).await?;
    }
    let hash = tried.user.as_ref().map(|user| user.password_hash.clone());
    if !app.hashing.verify(request.password, hash).await? {
        tried.failed(&app, &request.client, now).await?;
        return Err(invalid_credentials());
    }
    let user = tried.user.take().ok_or_else(invalid_credentials)?;
    may_log_in(&app, &user, tried.failures, now)?;
    let (code, recovery_code) = (request.code.as_deref(), request.recovery_code.as_deref());
    if let Err(problem) = second_factor::check(&app, &user, code, recovery_code, now).await {
        // A wrong code counts as a wrong password does; one that is still to come does not.
        if problem.code() == "second_factor_invalid" {
            tried.user = Some(user);
            tried.failed(&app, &request.client, now).await?;
        }
        return Err(problem);
    }
    begin_session(&app, &user, request.client, &tried, now).await
}

/// Somebody who tries to log in: a user, or a name that nobody has. Both cost the same.
struct Tried {
    user: Option<User>,
    device: Vec<u8>,
    /// None: the user never logged in from it.
    device_seen_at: Option<DateTime<Utc>>,
    /// Whose wrong passwords are counted together, and how many there were.
    subject: Vec<u8>,
    failures: Failures,
}

impl Tried {
    async fn find(app: &AppState, name: &str, client: &LoginClient) -> Result<Self> {
        let mut conn = app.pool.acquire().await?;
        let user = users::find(&mut conn, name).await?;
        let device = client.device.clone().into_bytes();
        let user_id = user.as_ref().map_or_else(Uuid::nil, |user| user.id);
        let account = user
            .as_ref()
            .map_or_else(|| name.to_owned(), |user| user.id.to_string());
        let of_device = limits::failures_of(&account, Some(&client.device));
        let elsewhere = limits::failures_of(&account, None);
        let (device_seen_at, failures) =
            attempts::history(&mut conn, user_id, &device, (&of_device, &elsewhere)).await?;
        let subject = if device_seen_at.is_some() {
            of_device
        } else {
            elsewhere
        };
        Ok(Self {
            user,
            device,
            device_seen_at,
            subject,
            failures,
        })
    }

    /// Counts a wrong password. While a lock lasts nothing is counted, so that a stranger can't make it last for good.
    async fn failed(&self, app: &AppState, client: &LoginClient, now: DateTime<Utc>) -> Result<()> {
        let locked = self.failures.is_locked(now);
        let mut tx = app.pool.begin().await?;
        let failures = attempts::add_failure(&mut tx, &self.subject, i32::from(!locked), now).await?;
        if self.failures.count == 0 {
            watch_for_stuffing(&mut tx, client, now).await?;
        }
        if let Some((user, until)) = self
            .user
            .as_ref()
            .zip(failures.locked_until().filter(|_| !locked))
        {
            let mut alert = Alert::new(Kind::AccountLocked, Some(user.id));
            alert.locked_until = Some(until);
            outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
        }
        tx.commit().await?;
        app.relay.wake();
        Ok(())
    }
}

/// A first wrong password at one more account: many of those from one network are no forgetful person.
async fn watch_for_stuffing(conn: &mut PgConnection, client: &LoginClient, now: DateTime<Utc>) -> Result<()> {
    let limit = limits::stuffing(&client.network);
    let count = attempts::count_one(conn, &limit.key, limits::window(now)).await?;
    if u32::try_from(count) == Ok(limit.most) {
        let alert = Alert::new(Kind::CredentialStuffing, None);
        outbox::enqueue(conn, &security_alert(&alert, now)?).await?;
    }
    Ok(())
}

/// What only whoever has the right password is told.
fn may_log_in(app: &AppState, user: &User, failures: Failures, now: DateTime<Utc>) -> Result<()> {
    let mut status = user.status();
    status.locked_until = status.locked_until.max(failures.locked_until());
    standing(&status, now).map_err(|refusal| refused(&refusal, now))?;
    if app.config.require_verified_email && user.email_verified_at.is_none() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "email_unverified",
            "The address of this account has to be verified first",
        ));
    }
    Ok(())
}

async fn begin_session(
    app: &AppState,
    user: &User,
    client: LoginClient,
    tried: &Tried,
    now: DateTime<Utc>,
) -> Result<(HeaderMap, Json<LoginResponse>)> {
    let id = Uuid::now_v7();
    let tokens = app.token_provider.issue(user.id, id, &user.roles).await?;
    let (kept, given, ttl) = if client.session_ref.is_some() {
        let sealed = app
            .sealing
            .seal(id.as_bytes(), tokens.refresh_token.into_bytes())?;
        (Some(sealed), None, app.config.session_ttl)
    } else {
        let ttl = app.config.native_session_ttl.min(tokens.refresh_expires_at - now);
        (None, Some(refresh_session::write(id, &tokens.refresh_token)), ttl)
    };
    let session = Session {
        id,
        user_id: user.id,
        session_ref: client.session_ref,
        refresh_token: kept,
        device: client.device_label,
        created_at: now,
        last_used_at: now,
        expires_at: now + ttl,
        ended_at: None,
    };
    let mut tx = app.pool.begin().await?;
    let replaced = match &client.replaces {
        Some(session_ref) => replace(&mut tx, session_ref, now).await?,
        None => None,
    };
    store::sessions::insert(&mut tx, &session).await?;
    let first_login = user.first_login_at.is_none() && users::logged_in(&mut tx, user.id, now).await?;
    if tried.failures.count > 0 {
        attempts::forget_failures(&mut tx, std::slice::from_ref(&tried.subject)).await?;
    }
    if tried
        .device_seen_at
        .is_none_or(|seen_at| now - seen_at > DEVICE_NOTED_EVERY)
    {
        devices::note(&mut tx, user.id, &tried.device, now).await?;
    }
    outbox::enqueue(&mut tx, &user_logged_in(user.id, id, first_login, now)?).await?;
    if tried.device_seen_at.is_none() && !first_login {
        let mut alert = Alert::new(Kind::NewDeviceLogin, Some(user.id));
        alert.session_id = Some(id);
        alert.device = Some(session.device.clone());
        outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    let headers = replaced.map(|ended| ended.after_commit(app)).unwrap_or_default();
    let access = Access {
        access_token: tokens.access_token,
        issued_at: now,
        access_expires_at: tokens.access_expires_at,
    };
    remember(app, id, &access).await?;
    let access = SessionAccess::of(&session, access, given);
    Ok((headers, Json(LoginResponse { first_login, access })))
}

/// A browser has one session: the one that it had ends with the login (ASVS 7.2.4).
async fn replace(
    conn: &mut PgConnection,
    session_ref: &str,
    now: DateTime<Utc>,
) -> Result<Option<sessions::Ended>> {
    let Some(old) = store::sessions::lock_by_ref(conn, session_ref).await? else {
        return Ok(None);
    };
    let ended = sessions::end(conn, old.user_id, (Some(old.id), None), Reason::Replaced, now).await?;
    Ok(Some(ended))
}

fn one_name() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
    .errors(vec![FieldError {
        field: "username".to_owned(),
        message: "give either a username or an email".to_owned(),
    }])
}

fn refused(refusal: &Refusal, now: DateTime<Utc>) -> Problem {
    match refusal {
        Refusal::Disabled => Problem::new(
            StatusCode::FORBIDDEN,
            "account_disabled",
            "This account is disabled",
        ),
        Refusal::Expired => Problem::new(
            StatusCode::FORBIDDEN,
            "account_expired",
            "This account has expired",
        ),
        Refusal::Locked { until } => {
            let seconds = u32::try_from((*until - now).num_seconds()).unwrap_or(0).max(1);
            Problem::new(
                StatusCode::FORBIDDEN,
                "account_locked",
                "This account is locked for a while",
            )
            .retry_after_s(seconds)
        }
    }
}
