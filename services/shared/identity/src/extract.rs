//! Permissions as types in a handler's signature.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use problem::{Problem, Result};
use uuid::Uuid;

use crate::verify::invalid_token;
use crate::{Claims, Identity, SERVICE_SUBJECT, USER_AUDIENCE};

const ACCESS_TOKEN: &str = "at+jwt";

/// A logged-in person with the role `user`.
#[derive(Clone, Debug)]
pub struct User {
    pub id: Uuid,
    pub session_id: Uuid,
    pub roles: Vec<String>,
}

impl User {
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// A logged-in person with the role `operator`.
#[derive(Clone, Debug)]
pub struct Operator(pub User);

/// A logged-in person with the role `admin`.
#[derive(Clone, Debug)]
pub struct Admin(pub User);

/// What an internal route grants, and to whom.
pub trait Grant {
    /// The app-id of the only caller.
    const CALLER: &'static str;
    const SCOPE: &'static str;
}

/// The service that `G` names, calling with the scope that `G` names.
pub struct Service<G>(PhantomData<G>);

impl<S> FromRequestParts<S> for User
where
    Identity: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        with_role(parts, &Identity::from_ref(state), "user").await
    }
}

impl<S> FromRequestParts<S> for Operator
where
    Identity: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        with_role(parts, &Identity::from_ref(state), "operator")
            .await
            .map(Self)
    }
}

impl<S> FromRequestParts<S> for Admin
where
    Identity: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        with_role(parts, &Identity::from_ref(state), "admin")
            .await
            .map(Self)
    }
}

impl<S, G> FromRequestParts<S> for Service<G>
where
    Identity: FromRef<S>,
    S: Send + Sync,
    G: Grant,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = Identity::from_ref(state);
        let claims = claims(&parts.headers, &identity, identity.0.app_id).await?;
        let granted = claims.sub.strip_prefix(SERVICE_SUBJECT) == Some(G::CALLER) && claims.scope == G::SCOPE;
        if granted {
            Ok(Self(PhantomData))
        } else {
            Err(forbidden())
        }
    }
}

impl Identity {
    /// Whose access token a request carries, whatever their roles.
    pub async fn user(&self, headers: &HeaderMap) -> Result<User> {
        let claims = claims(headers, self, USER_AUDIENCE).await?;
        Ok(User {
            id: claims.sub.parse().map_err(|_| invalid_token())?,
            session_id: claims.sid.ok_or_else(invalid_token)?,
            roles: claims.roles,
        })
    }
}

async fn with_role(parts: &Parts, identity: &Identity, role: &str) -> Result<User> {
    let user = identity.user(&parts.headers).await?;
    if user.has_role(role) {
        Ok(user)
    } else {
        Err(forbidden())
    }
}

/// The claims of the bearer token (RFC 6750 §2.1).
async fn claims(headers: &HeaderMap, identity: &Identity, audience: &str) -> Result<Claims> {
    let missing = || {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing_token",
            "This route needs an access token",
        )
    };
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let header = shown.next().ok_or_else(missing)?;
    if shown.next().is_some() {
        // Two proxies could each take another one for the one that counts.
        return Err(invalid_token());
    }
    let (scheme, token) = header
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(missing)?;
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() {
        return Err(missing());
    }
    identity.verify(token, ACCESS_TOKEN, audience).await
}

fn forbidden() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "This token does not grant that",
    )
}
