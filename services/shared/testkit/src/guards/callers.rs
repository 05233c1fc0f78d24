//! Who comes to a guard.

use axum::http::StatusCode;
use chrono::Utc;
use identity::Claims;
use uuid::Uuid;

use super::document::Guard;
use crate::{service_claims, user_claims};

/// Somebody who may not call, and what there is to tell them.
pub struct Stranger {
    pub who: &'static str,
    /// `None` for somebody without a token.
    pub claims: Option<Claims>,
    pub refusal: (StatusCode, &'static str),
}

const MISSING: (StatusCode, &str) = (StatusCode::UNAUTHORIZED, "missing_token");
const INVALID: (StatusCode, &str) = (StatusCode::UNAUTHORIZED, "invalid_token");
const FORBIDDEN: (StatusCode, &str) = (StatusCode::FORBIDDEN, "forbidden");

/// The claims that a guard lets in.
pub fn rightful(guard: &Guard, app_id: &str) -> Claims {
    match guard {
        Guard::Role(role) => with_roles(&[role]),
        Guard::Service { caller, scope } => service_claims(caller, app_id, scope),
    }
}

pub fn strangers(guard: &Guard, app_id: &str) -> Vec<Stranger> {
    let good = rightful(guard, app_id);
    let for_another = Claims {
        aud: "else".to_owned(),
        ..good.clone()
    };
    let ended = Claims {
        exp: Utc::now().timestamp() - 6,
        ..good
    };
    let mut strangers = vec![
        Stranger {
            who: "nobody",
            claims: None,
            refusal: MISSING,
        },
        stranger("for another audience", for_another, INVALID),
        stranger("with a token that has ended", ended, INVALID),
    ];
    strangers.extend(match guard {
        Guard::Role(role) => of_another_role(role, app_id),
        Guard::Service { caller, scope } => another_service(caller, scope, app_id),
    });
    strangers
}

fn of_another_role(role: &str, app_id: &str) -> Vec<Stranger> {
    let lesser: &[&str] = match role {
        "user" => &[],
        "operator" => &["user"],
        "admin" => &["user", "operator"],
        _ => panic!("no role of ours: {role}"),
    };
    let service = service_claims("gateway", app_id, "provision");
    vec![
        stranger("of lesser roles", with_roles(lesser), FORBIDDEN),
        stranger("a service", service, INVALID),
    ]
}

fn another_service(caller: &str, scope: &str, app_id: &str) -> Vec<Stranger> {
    let another = if caller == "email" { "gateway" } else { "email" };
    vec![
        stranger(
            "another service",
            service_claims(another, app_id, scope),
            FORBIDDEN,
        ),
        stranger(
            "with another scope",
            service_claims(caller, app_id, "else"),
            FORBIDDEN,
        ),
        stranger(
            "an administrator",
            with_roles(&["user", "operator", "admin"]),
            INVALID,
        ),
    ]
}

const fn stranger(who: &'static str, claims: Claims, refusal: (StatusCode, &'static str)) -> Stranger {
    Stranger {
        who,
        claims: Some(claims),
        refusal,
    }
}

fn with_roles(roles: &[&str]) -> Claims {
    Claims {
        roles: roles.iter().map(ToString::to_string).collect(),
        ..user_claims(Uuid::now_v7())
    }
}
