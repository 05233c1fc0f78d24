//! Tokens per second of Token Provider over HTTP, on its own port, against raw RS256 signatures of one core.

use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use tests::Stack;
use uuid::Uuid;

use crate::idle;
use crate::load::{Rate, compute, drive};
use crate::provider::TokenProvider;
use crate::report::{Goal, Measured, Unit};

const ROUNDS: u32 = 3;
const TIME: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 8;

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let provider = TokenProvider::of(stack).await?;
    let service_token = async |_| provider.service_token().await.map(drop);
    let user_tokens = async |_| provider.user_token(Uuid::new_v4()).await.map(drop);
    drive(CONNECTIONS, Duration::from_secs(1), service_token).await?;
    drive(CONNECTIONS, Duration::from_secs(1), user_tokens).await?;
    let (mut floor, mut service, mut user) = (Rate::default(), Rate::default(), Rate::default());
    for _ in 0..ROUNDS {
        idle::settle().await?;
        floor += signatures(&provider)?;
        service += drive(CONNECTIONS, TIME, service_token).await?;
        user += drive(CONNECTIONS, TIME, user_tokens).await?;
    }
    let line = |what: &str, rate: Rate, goal| Measured {
        what: what.to_owned(),
        value: rate.per_second(),
        floor: floor.per_second(),
        floor_is: "raw RS256-2048 on one core",
        unit: Unit::PerSecond,
        goal,
        anomalies: None,
    };
    Ok(vec![
        line("POST /oauth/token of Token Provider", service, Goal::AtLeast(0.7)),
        line("POST /internal/tokens of Token Provider", user, Goal::None),
    ])
}

/// The claims of a service token, signed on one core, as `services/token-provider/src/domain/keys.rs` does.
fn signatures(provider: &TokenProvider) -> anyhow::Result<Rate> {
    let (header, key) = provider.signing_key()?;
    let now = Utc::now().timestamp();
    let claims = json!({
        "iss": "payme",
        "aud": "auth",
        "sub": "service:gateway",
        "iat": now,
        "exp": now + 300,
        "jti": Uuid::new_v4(),
        "scope": "auth:sessions",
    });
    compute(1, TIME, || {
        jsonwebtoken::encode(&header, &claims, &key)?;
        Ok(())
    })
}
