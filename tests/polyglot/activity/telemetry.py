"""JSON logs, metrics and the W3C trace context, as docs/logging.md has them."""

import json
import logging
import os
import re
import secrets
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Gauge, Histogram

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "How long requests took",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STREAMS = Gauge("activity_streams", "Streams of feeds that are open")
DEAD_LETTERS = Gauge("dead_letters", "Events that had no effect yet", ["state"])
DIFFERENCES = Gauge("ledger_audit_differences", "Accounts that differ from their events", ["kind"])
LAG = Gauge("ledger_audit_lag_entries", "Entries of the ledger that were not announced yet")
COMPARED = Gauge("ledger_audit_accounts_compared", "Accounts that the last pass compared")

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


@dataclass
class Trace:
    """Which trace this belongs to, and our own span in it."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def following(cls, traceparent: object) -> "Trace":
        """Our own span in the trace of a `traceparent`; a new trace where there is none or it is malformed."""
        found = TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
        trace_id, flags = found.groups() if found else (secrets.token_hex(16), "00")
        return cls(trace_id, secrets.token_hex(8), flags)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": "WARN" if record.levelname == "WARNING" else record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            "target": record.name,
        }
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line["error"] = f"{type(error).__name__}: {error}"
        if trace := CURRENT.get():
            line["span"] = {"name": "request", "trace_id": trace.trace_id, "request_id": trace.span_id}
        return json.dumps(line, default=str)


def fields(**named: object) -> dict[str, Any]:
    """Fields of a log line: `log.info("request", extra=fields(status=200))`."""
    return {"fields": named}


def init() -> None:
    """`LOG_LEVEL` is a list as services in Rust take it; its general level counts here."""
    directives = os.environ.get("LOG_LEVEL", "info").split(",")
    level = next((it.strip().upper() for it in directives if "=" not in it), "INFO")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    known = logging.getLevelNamesMapping()
    logging.basicConfig(level=known.get({"TRACE": "DEBUG", "WARN": "WARNING"}.get(level, level), logging.INFO), handlers=[handler])
    logging.captureWarnings(True)
    # They have a line of their own for each request.
    for library in ("uvicorn", "httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
