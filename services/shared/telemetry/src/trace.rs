//! The trace context of W3C Trace Context level 1: read from what comes in, kept for the task, written to what goes out.

use std::fmt;

use axum::http::HeaderMap;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// One `traceparent`: which trace this belongs to, and our own span in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
    flags: String,
}

impl TraceContext {
    /// Continues the trace that the caller is in, or starts one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .map_or_else(Self::new, Self::following)
    }

    /// Our own span in the trace of a `traceparent`; a new trace where it is malformed.
    #[must_use]
    pub fn following(traceparent: &str) -> Self {
        match parse(traceparent) {
            Some((trace_id, flags)) => Self {
                trace_id: trace_id.to_owned(),
                span_id: hex64(),
                flags: flags.to_owned(),
            },
            None => Self::new(),
        }
    }

    fn new() -> Self {
        Self {
            trace_id: hex64() + &hex64(),
            span_id: hex64(),
            flags: "00".to_owned(),
        }
    }

    /// The context of the running task, if it works on a request or an event.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// 16 hexadecimal digits, new for each request.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span_id
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

/// Runs `work` in a trace, so that what it sends carries the context on.
pub async fn in_trace<F: Future>(trace: TraceContext, work: F) -> F::Output {
    CURRENT.scope(trace, work).await
}

/// Trace id and flags of a version-00 `traceparent` (§3.2.2); all-zero ids are invalid.
fn parse(traceparent: &str) -> Option<(&str, &str)> {
    let mut parts = traceparent.split('-');
    let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len| {
        text.len() == len
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = version == "00"
        && parts.next().is_none()
        && hex(trace_id, 32)
        && hex(span_id, 16)
        && hex(flags, 2)
        && nonzero(trace_id)
        && nonzero(span_id);
    valid.then_some((trace_id, flags))
}

/// 64 random bits in hexadecimal; an all-zero id, which is invalid, is as likely as a lost meteor.
fn hex64() -> String {
    format!("{:016x}", rand::random::<u64>().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_with_a_span_of_its_own() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ours = TraceContext::following(parent);
        assert_eq!(ours.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(ours.span_id(), "00f067aa0ba902b7");
        assert!(ours.to_string().ends_with("-01"));
    }

    #[test]
    fn a_malformed_parent_starts_a_new_trace() {
        for bad in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "\u{e9}-a-b-c",
        ] {
            let ours = TraceContext::following(bad);
            assert_eq!(
                TraceContext::following(&ours.to_string()).trace_id(),
                ours.trace_id()
            );
        }
    }
}
