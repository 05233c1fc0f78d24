//! Whether a renewal ahead is felt: the latency of requests while the tokens of many sessions are renewed, against that of
//! the same requests at other times of the same run. Auth's log tells when it renewed which.

use std::time::{Duration, Instant};

use ::tests::Stack;
use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::people::{self, ok};
use crate::percentile::Latencies;
use crate::report::{Goal, Measured, Unit};

/// So short that the run sees every session's token renewed once, and so long that its last fifth begins well before
/// the 15 s in which a request would wait for its renewal.
pub const SHORT_TOKENS: (&str, &str) = ("ACCESS_TOKEN_TTL_S", "90");
const TOKEN_LIFE: Duration = Duration::from_secs(90);
/// Enough that p99 would show it if the requests that start renewals waited for them: more than one in a hundred.
const SESSIONS: usize = 100;
/// Registrations and logins leave mails and events to be delivered.
const SETTLE: Duration = Duration::from_secs(10);
const PATH: &str = "/users/me";
/// What the gateway and its sidecar do before and after Auth's part of a renewal.
const GATEWAYS_PART: Duration = Duration::from_millis(5);

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let people = people::arrive(stack, SESSIONS).await?;
    let started = Instant::now();
    let mut requests = Vec::new();
    // One connection; every session in turn.
    for person in people.iter().cycle() {
        if started.elapsed() >= TOKEN_LIFE {
            break;
        }
        let begin = Utc::now();
        ok(&person.get(PATH).await?)?;
        if started.elapsed() >= SETTLE {
            requests.push(Span {
                begin,
                end: Utc::now(),
            });
        }
    }
    lines(&requests, &renewals(&stack.log_of("auth").await?))
}

fn lines(requests: &[Span], renewals: &[Span]) -> anyhow::Result<Vec<Measured>> {
    ensure!(
        renewals.len() >= SESSIONS,
        "only {} of {SESSIONS} sessions were renewed: this measured nothing",
        renewals.len()
    );
    let first = renewals.iter().map(|renewal| renewal.begin).min();
    let last = renewals.iter().map(|renewal| renewal.end).max();
    let (begin, end) = first.zip(last).context("there is no renewal")?;
    let meanwhile = Span { begin, end };
    let latencies = |of: &dyn Fn(&Span) -> bool| {
        let of_those = requests.iter().filter(|request| of(request));
        Latencies::of(of_those.map(Span::duration))
    };
    let quiet = latencies(&|request| !meanwhile.overlaps(request));
    let line = |what: String, measured: &Latencies, goal| Measured {
        what: format!("{what} ({} requests)", measured.count()),
        value: measured.percentile_ms(99),
        floor: quiet.percentile_ms(99),
        floor_is: "while there is none",
        unit: Unit::Milliseconds,
        goal,
        anomalies: None,
    };
    Ok(vec![
        line(
            format!("p99 while {} sessions are renewed ahead", renewals.len()),
            &latencies(&|request| meanwhile.overlaps(request)),
            Goal::AtMost(1.2),
        ),
        line(
            "p99 at the very time of a renewal".to_owned(),
            &latencies(&|request| renewals.iter().any(|renewal| renewal.overlaps(request))),
            Goal::None,
        ),
    ])
}

/// From when to when something went on.
#[derive(Clone, Copy)]
struct Span {
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Span {
    fn overlaps(&self, other: &Self) -> bool {
        self.begin <= other.end && other.begin <= self.end
    }

    fn duration(&self) -> Duration {
        (self.end - self.begin).to_std().unwrap_or_default()
    }
}

/// The renewals in the log of Auth, which has one line for each request, written when it is answered.
fn renewals(log: &str) -> Vec<Span> {
    #[derive(Deserialize)]
    struct Line {
        timestamp: DateTime<Utc>,
        route: String,
        status: u16,
        duration_ms: f64,
    }
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let renewals = lines.filter(|line| line.route == "/sessions/renew" && line.status == 200);
    let span = |line: Line| Span {
        begin: line.timestamp - Duration::from_secs_f64(line.duration_ms / 1000.0) - GATEWAYS_PART,
        end: line.timestamp + GATEWAYS_PART,
    };
    renewals.map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_of_the_log_lasts_as_long_as_it_says_and_what_the_gateway_adds() {
        let log = concat!(
            r#"{"timestamp":"2026-01-01T00:00:01Z","route":"/sessions/renew","status":200,"duration_ms":20.0}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:01Z","route":"/sessions/renew","status":404,"duration_ms":20.0}"#,
            "\n",
            r#"{"timestamp":"2026-01-01T00:00:01Z","route":"/login","status":200,"duration_ms":20.0}"#,
            "\nno JSON\n",
        );
        let found = renewals(log);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].duration(), Duration::from_millis(30));
        let end: DateTime<Utc> = "2026-01-01T00:00:01.005Z".parse().unwrap();
        assert_eq!(found[0].end, end);
    }

    #[test]
    fn a_run_that_saw_too_few_renewals_is_no_measurement() {
        assert!(lines(&[], &[]).is_err());
    }
}
