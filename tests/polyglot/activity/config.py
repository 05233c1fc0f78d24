"""What the environment decides."""

import os
from dataclasses import dataclass
from datetime import timedelta


def required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise SystemExit(f"the environment variable {name} is missing")


@dataclass(frozen=True)
class Config:
    audit_period_s: int
    """How often the auditor compares accounts with the ledger."""
    audit_grace: timedelta
    """How long events may be on their way before the auditor says that they are missing."""
    feed_retention_days: int

    @classmethod
    def from_env(cls) -> "Config":
        period = whole("AUDIT_PERIOD_S", 10)
        if period == 0:
            raise SystemExit("AUDIT_PERIOD_S has to be at least 1")
        grace = timedelta(seconds=whole("AUDIT_GRACE_S", 60))
        return cls(period, grace, whole("FEED_RETENTION_DAYS", 400))


def whole(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise SystemExit(f"{name} is no whole number")
    return int(text)
