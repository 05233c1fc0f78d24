"""Which event says what to whom. Of each event only what feeds need is read; the audit log keeps it whole."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _as_text(value: object) -> object:
    # Pydantic would also take numbers, as seconds of the epoch.
    if isinstance(value, str) and not RFC3339.fullmatch(value):
        raise ValueError("no time of RFC 3339, with a year of four digits")
    if not isinstance(value, str | datetime):
        raise ValueError("no text")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_as_text)]
Int64 = Annotated[int, Field(strict=True, ge=-(2**63), le=2**63 - 1)]


@dataclass(frozen=True)
class Item:
    """A line of a user's feed."""

    user_id: UUID
    kind: str
    data: dict[str, Any]


class Entry(BaseModel):
    """One change of one account, as an event tells it."""

    account_id: UUID
    amount_minor: Int64


class Money(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount_minor: Int64
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Told(BaseModel):
    """The data of an event that says something to somebody."""

    TOPIC: ClassVar[str]
    TYPE: ClassVar[str]

    def items(self) -> list[Item]:
        raise NotImplementedError

    def entries(self) -> list[Entry]:
        """What it tells of the ledger."""
        return []


class UserRegistered(Told):
    TOPIC, TYPE = "USER_REGISTERED", "payme.user.registered.v1"

    user_id: UUID

    def items(self) -> list[Item]:
        return [Item(self.user_id, "registered", {})]


class UserLoggedIn(Told):
    TOPIC, TYPE = "USER_LOGGED_IN", "payme.user.logged_in.v1"

    user_id: UUID
    session_id: UUID
    first_login: StrictBool

    def items(self) -> list[Item]:
        return [Item(self.user_id, "logged_in", {"session_id": str(self.session_id), "first_login": self.first_login})]


class SessionRevoked(Told):
    TOPIC, TYPE = "SESSION_REVOKED", "payme.session.revoked.v1"

    user_id: UUID
    session_id: UUID
    reason: str

    def items(self) -> list[Item]:
        return [Item(self.user_id, "session_ended", {"session_id": str(self.session_id), "reason": self.reason})]


class SecurityAlert(Told):
    TOPIC, TYPE = "SECURITY_ALERT", "payme.security_alert.raised.v1"

    kind: str
    user_id: UUID | None = None
    session_id: UUID | None = None
    device: str | None = None

    def items(self) -> list[Item]:
        """The owner sees every alert about their account, also one of a kind that is new."""
        if self.user_id is None:
            return []
        data = {"alert": self.kind}
        if self.device is not None:
            data["device"] = self.device
        if self.session_id is not None:
            data["session_id"] = str(self.session_id)
        return [Item(self.user_id, "security_alert", data)]


class TransactionMade(Told):
    TOPIC, TYPE = "TRANSACTION_MADE", "payme.transaction.made.v1"

    transaction_id: UUID
    kind: str
    # None: the money came from outside.
    from_account_id: UUID | None = None
    to_account_id: UUID
    from_user_id: UUID | None = None
    # The payer, if the money went outside.
    to_user_id: UUID
    amount: Money
    # What was written into the ledger. Old events do not say.
    entries_: Annotated[list[Entry], Field(alias="entries")] = []

    def items(self) -> list[Item]:
        """Both parties see it, each from their own side; who pays to themselves sees it once."""

        def item(user_id: UUID, kind: str, account_id: UUID) -> Item:
            about = {"transaction_id": str(self.transaction_id), "account_id": str(account_id)}
            return Item(user_id, kind, {**about, "amount": self.amount.model_dump()})

        payer, account = self.from_user_id, self.from_account_id
        if payer is None or account is None:
            return [item(self.to_user_id, "topped_up", self.to_account_id)]
        if self.kind == "withdrawal":
            return [item(payer, "withdrawn", account)]
        if payer == self.to_user_id:
            return [item(payer, "moved", account)]
        return [item(payer, "sent", account), item(self.to_user_id, "received", self.to_account_id)]

    def entries(self) -> list[Entry]:
        """An old event tells of two. It does not name an account outside: the id of zeros stands for all of them."""
        if self.entries_:
            return self.entries_
        amount = self.amount.amount_minor
        payer = self.from_account_id or UUID(int=0)
        return [
            Entry(account_id=payer, amount_minor=min(-amount, 2**63 - 1)),
            Entry(account_id=self.to_account_id, amount_minor=amount),
        ]


class PaymentRequestChanged(Told):
    TOPIC, TYPE = "PAYMENT_REQUEST_CHANGED", "payme.payment_request.changed.v1"

    payment_request_id: UUID
    # A word, which may be newer than this service.
    state: str
    requester_user_id: UUID
    payer_user_id: UUID
    amount: Money

    def items(self) -> list[Item]:
        """Each party sees what the other one did, and both that its time is over. Other states are in the log only."""
        data = {"payment_request_id": str(self.payment_request_id), "amount": self.amount.model_dump()}
        match self.state:
            case "open":
                return [Item(self.payer_user_id, "money_requested", data)]
            case "declined":
                return [Item(self.requester_user_id, "request_declined", data)]
            case "cancelled":
                return [Item(self.payer_user_id, "request_cancelled", data)]
            case "expired":
                return [Item(user, "request_expired", data) for user in (self.requester_user_id, self.payer_user_id)]
            case _:
                return []


class StatementReady(Told):
    TOPIC, TYPE = "STATEMENT_READY", "payme.statement.ready.v1"

    user_id: UUID
    account_id: UUID
    # As `2026-11`.
    month: str
    opening: Money
    closing: Money

    def items(self) -> list[Item]:
        balances = {"opening": self.opening.model_dump(), "closing": self.closing.model_dump()}
        data = {"account_id": str(self.account_id), "month": self.month, **balances}
        return [Item(self.user_id, "statement_ready", data)]


CONSUMED: dict[str, type[Told]] = {
    it.TOPIC: it
    for it in (
        UserRegistered,
        UserLoggedIn,
        SessionRevoked,
        SecurityAlert,
        TransactionMade,
        PaymentRequestChanged,
        StatementReady,
    )
}


class Unreadable(Exception):
    """Why an event can't be read. No retry would mend it."""


class Envelope(BaseModel):
    """CloudEvents 1.0 in JSON."""

    id: UUID
    type: str
    subject: str
    time: Time
    data: Any


@dataclass(frozen=True)
class Received:
    """An event as it was delivered: its envelope, with the data as they came, and what these tell."""

    envelope: Envelope
    told: Told

    @classmethod
    def read(cls, event: Any, kind: type[Told]) -> "Received":
        # The type first: of another one, or another version, the data need not be understood.
        named = event.get("type") if isinstance(event, dict) else None
        if isinstance(named, str) and named != kind.TYPE:
            raise Unreadable(f"unknown kind: {named}")
        try:
            envelope = Envelope.model_validate(event)
            return cls(envelope, kind.model_validate(envelope.data))
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors(include_input=False))
            raise Unreadable(f"unreadable: {'; '.join(faults)}") from None


def id_of(event: Any) -> UUID | None:
    """What the envelope says of its id; what is no event has none."""
    try:
        return UUID(event["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
