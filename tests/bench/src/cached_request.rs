//! What the gateway adds to an authenticated request whose token it has in its cache: the same call through it and straight
//! to its sidecar, in turn, so that whatever else changes on the machine changes both.

use std::time::{Duration, Instant};

use reqwest::Client;
use tests::{Answer, Person, Stack};

use crate::idle;
use crate::people::ok;
use crate::percentile::Latencies;
use crate::provider::TokenProvider;
use crate::report::{Goal, Measured, Unit};

const WARM_UP: usize = 500;
const PAIRS: usize = 5000;
const PATH: &str = "/users/me";
const SERVICE: &str = "user";

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let person = Person::arrive(&stack.origin()).await?;
    let provider = TokenProvider::of(stack).await?;
    let access_token = provider.user_token(person.user_id).await?;
    let (http, url) = (Client::new(), stack.sidecar_url("gateway", PATH)?);
    let api_token = &stack.env()["DAPR_API_TOKEN"];
    let straight = || {
        let request = http.get(&url).header("dapr-app-id", SERVICE);
        let request = request.header("dapr-api-token", api_token);
        person.send(request.bearer_auth(&access_token))
    };
    idle::settle().await?;
    let (mut through, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + PAIRS {
        through.push(timed(person.get(PATH)).await?);
        floor.push(timed(straight()).await?);
    }
    let through = Latencies::of(through.into_iter().skip(WARM_UP));
    let floor = Latencies::of(floor.into_iter().skip(WARM_UP));
    let line = |percent, goal| Measured {
        what: format!("p{percent} of GET {PATH} through the gateway"),
        value: through.percentile_ms(percent),
        floor: floor.percentile_ms(percent),
        floor_is: "straight to the sidecar",
        unit: Unit::Milliseconds,
        goal,
        anomalies: None,
    };
    Ok(vec![line(50, Goal::AddsAtMost(0.6)), line(99, Goal::None)])
}

async fn timed(request: impl Future<Output = anyhow::Result<Answer>>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let answer = request.await?;
    let time = started.elapsed();
    ok(&answer)?;
    Ok(time)
}
