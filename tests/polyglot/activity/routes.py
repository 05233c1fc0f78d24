"""What callers see, and where the sidecar delivers: the table of contents of the service."""

import logging
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg import Record
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from . import APP_ID, auditor, chain, inbox, store
from .auditor import Balance
from .chain import Difference, Head
from .database import Pool, read_json
from .events import CONSUMED, Time
from .identity import Claims, Identity
from .live import Live
from .page import Page, Paging
from .problem import Problem, invalid_query
from .sidecar import Sidecar
from .stream import EventStream, Feed
from .telemetry import CURRENT, Trace, fields
from .words import wanted, words

log = logging.getLogger(__name__)

# A hundred events, as the subscriptions ask for, of which each is far smaller than the 4 MiB that a broker may take.
LARGEST_DELIVERY_BYTES = 16 * 1024 * 1024
# Shorter than a call between services may take.
VERIFICATION_BUDGET_S = 4
# Where there are more differences, there is one cause.
MOST_DIFFERENCES = 100
ACQUIRE_S = 5


@dataclass
class State:
    """What every handler can reach."""

    pool: Pool
    sidecar: Sidecar
    identity: Identity
    live: Live


def _state(request: Request) -> State:
    state: State = request.app.state.activity
    return state


It = Annotated[State, Depends(_state)]


async def _user(request: Request, it: It) -> Claims:
    return await it.identity.user(request.headers, "user")


async def _operator(request: Request, it: It) -> Claims:
    return await it.identity.user(request.headers, "operator")


AsUser = Annotated[Claims, Depends(_user)]
AsOperator = Annotated[Claims, Depends(_operator)]
Short = Annotated[str, Field(max_length=100)]
router = APIRouter()


def allows(role: str) -> dict[str, Any]:
    """What the contract says of who may call."""
    return {"security": [{"bearer": [role]}]}


# Feeds.


class FeedQuery(Paging):
    kind: Short | None = None
    from_: Annotated[Time | None, Field(alias="from", description="Happened at this time (RFC 3339) or later.")] = None
    before: Annotated[Time | None, Field(description="Happened before this time (RFC 3339).")] = None


class ActivityItem(BaseModel):
    id: UUID
    kind: str
    occurred_at: datetime
    title: str
    text: str
    data: Any

    @classmethod
    def of(cls, row: Record, language: int) -> "ActivityItem":
        title, text = words(row["kind"], row["data"], language)
        return cls(**row, title=title, text=text)


def language_of(request: Request) -> int:
    return wanted(request.headers.get("accept-language", ""))


@router.get("/activity", tags=["activity"], openapi_extra=allows("user"))
async def list_activity(request: Request, it: It, user: AsUser, query: Annotated[FeedQuery, Query()]) -> Page[ActivityItem]:
    """What happened on the caller's accounts, newest first."""
    place = query.place(int64)
    which = store.Filter(user.sub, query.kind, query.from_, query.before)
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        rows = await store.feed_page(conn, which, place, query.rows)
    language = language_of(request)
    return query.page(place, rows, lambda row: row["seq"], lambda row: ActivityItem.of(row, language))


@router.get(
    "/activity/stream",
    tags=["activity"],
    openapi_extra=allows("user"),
    status_code=200,
    response_class=EventStream,
    responses={429: {"description": "too_many_streams"}, 503: {"description": "busy"}},
)
async def stream_activity(
    request: Request, it: It, user: AsUser, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
) -> Response:
    """New lines of the caller's feed as they come, each an item of `GET /activity`."""
    after = None
    if last_event_id:
        if not (last_event_id.isascii() and last_event_id.isdigit() and int(last_event_id) < 2**63):
            raise Problem(400, "invalid_cursor", "Last-Event-ID is no id of an event of this stream")
        after = int(last_event_id)
    woken = it.live.open(user.sub)
    try:
        if after is None:
            async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
                after = await store.newest_of_feed(conn, user.sub)
    except BaseException:
        it.live.leave(user.sub, woken)
        raise
    language = language_of(request)

    async def lines_after(seq: int, limit: int) -> list[tuple[int, str]]:
        async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
            rows = await store.feed_after(conn, user.sub, seq, limit)
        return [(row["seq"], ActivityItem.of(row, language).model_dump_json()) for row in rows]

    async def is_over() -> bool:
        # The token has to be good as long as the stream is open.
        return it.live.closed or not await it.identity.is_good(request.headers)

    return EventStream(Feed(after, woken, lines_after, is_over, lambda: it.live.leave(user.sub, woken)))


def int64(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("out of range")
    return number


# The audit log and the auditor.


class LogQuery(FeedQuery):
    subject: Short | None = None
    user_id: UUID | None = None


class LogLine(BaseModel):
    seq: int
    event_id: UUID
    kind: str
    subject: str
    occurred_at: datetime
    received_at: datetime
    actor_user_id: UUID | None = None
    session_id: UUID | None = None
    device: str | None = None
    data: Any

    @classmethod
    def of(cls, row: Record) -> "LogLine":
        data = row["data"] if isinstance(row["data"], dict) else {}
        device = data.get("device")
        return cls(
            **row,
            actor_user_id=id_in(data.get("user_id")) or id_in(data.get("from_user_id")),
            session_id=id_in(data.get("session_id")),
            device=device if isinstance(device, str) else None,
        )


def id_in(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


@router.get("/admin/audit/log", tags=["admin"], openapi_extra=allows("operator"))
async def list_audit_log(it: It, _: AsOperator, query: Annotated[LogQuery, Query()]) -> Page[LogLine]:
    """The audit log: everything that was announced, newest first."""
    place = query.place(int64)
    which = store.Filter(query.user_id, query.kind, query.from_, query.before, query.subject)
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        rows = await store.log_page(conn, which, place, query.rows)
    return query.page(place, rows, lambda row: row["seq"], LogLine.of)


class VerificationQuery(BaseModel, extra="forbid"):
    after: str | None = None


class LogVerification(BaseModel):
    sound: bool
    complete: bool
    head: str
    seals: int
    unsealed: int | None = None
    difference: Difference | None = None


@router.get(
    "/admin/audit/log/verification",
    tags=["admin"],
    openapi_extra=allows("operator"),
    responses={409: {"description": "verification_running"}},
)
async def verify_audit_log(it: It, _: AsOperator, query: Annotated[VerificationQuery, Query()]) -> LogVerification:
    """Recomputes the chain over the audit log, as far as a few seconds allow, and names the first difference."""
    try:
        kept = None if query.after is None else Head.parse(query.after)
    except ValueError as error:
        raise invalid_query(str(error)) from None
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        report = await chain.verify(conn, kept, True, VERIFICATION_BUDGET_S)
    if report is None:
        raise Problem(409, "verification_running", "The audit log is being verified already")
    if report.difference:
        log.error("the audit log is not sound", extra=fields(**report.difference.model_dump()))
    return LogVerification(
        sound=report.difference is None,
        complete=report.unsealed is not None,
        head=str(report.head),
        seals=report.seals,
        unsealed=report.unsealed,
        difference=report.difference,
    )


class DifferenceView(BaseModel):
    """A problem as RFC 9457 §3 shapes it, of an account."""

    type: str = "/errors/ledger_difference"
    title: str = "The ledger is not what its events say"
    code: str = "ledger_difference"
    kind: auditor.Kind
    account_id: UUID
    ledger: Balance
    audited: Balance
    first_seen_at: datetime
    last_seen_at: datetime


class AuditView(BaseModel):
    status: Literal["sound", "different", "not_run"]
    finished_at: datetime | None = None
    accounts_compared: int
    differences: list[DifferenceView]


@router.get("/admin/audit", tags=["admin"], openapi_extra=allows("operator"))
async def show_audit(it: It, _: AsOperator) -> AuditView:
    """Whether the balances of the ledger are what the events of transactions add up to."""
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        last = await auditor.last_pass(conn)
        differences = await auditor.differences(conn, MOST_DIFFERENCES)
    return AuditView(
        status="different" if differences else "sound" if last else "not_run",
        finished_at=last and last["finished_at"],
        accounts_compared=last["accounts_compared"] if last else 0,
        differences=[DifferenceView.model_validate(it, from_attributes=True) for it in differences],
    )


# Dead letters.

LETTERS = f"/admin/{APP_ID}/dead-letters"


class ReplayOf(BaseModel, extra="forbid"):
    topic: Short | None = None
    state: Literal["waiting", "dead"] | None = None

    @property
    def waiting(self) -> bool | None:
        return self.state and self.state == "waiting"


class DeadLetterSearch(Paging):
    topic: Short | None = None
    state: Literal["waiting", "dead"] | None = None


class DeadLetter(BaseModel):
    """An event that had no effect here yet."""

    id: UUID
    event_id: UUID | None = None
    topic: str
    reason: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    next_attempt_at: datetime | None = None
    # Not in lists; what is no JSON is a text in Base64.
    payload: Any = None

    @classmethod
    def brief(cls, row: Record) -> "DeadLetter":
        return cls(**{name: value for name, value in row.items() if name != "payload"})

    @classmethod
    def whole(cls, row: Record) -> "DeadLetter":
        try:
            return cls(**{**row, "payload": read_json(row["payload"])})
        except ValueError:
            return cls(**{**row, "payload": b64encode(row["payload"]).decode()})


class Replayed(BaseModel):
    replayed: int


def no_letter() -> Problem:
    return Problem(404, "dead_letter_not_found", "There is no such dead letter")


@router.get(LETTERS, tags=["admin"], openapi_extra=allows("operator"), response_model_exclude_unset=True)
async def list_dead_letters(it: It, _: AsOperator, query: Annotated[DeadLetterSearch, Query()]) -> Page[DeadLetter]:
    """Events that had no effect here yet, the newest first."""
    place = query.place(UUID)
    waiting = ReplayOf(state=query.state).waiting
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        rows = await store.letters(conn, query.topic, waiting, place, query.rows)
    return query.page(place, rows, lambda row: row["id"], DeadLetter.brief)


@router.post(f"{LETTERS}/replay", tags=["admin"], openapi_extra=allows("operator"), status_code=202)
async def replay_dead_letters(it: It, _: AsOperator, query: Annotated[ReplayOf, Query()]) -> Replayed:
    """Has all of them tried again now, or those of a topic or a state."""
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        return Replayed(replayed=await store.replay(conn, topic=query.topic, waiting=query.waiting))


@router.get(f"{LETTERS}/{{id}}", tags=["admin"], openapi_extra=allows("operator"), response_model_exclude_unset=True)
async def show_dead_letter(it: It, _: AsOperator, id: UUID) -> DeadLetter:
    """One of them, with its payload."""
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        row = await store.find_letter(conn, id)
    if row is None:
        raise no_letter()
    return DeadLetter.whole(row)


@router.delete(f"{LETTERS}/{{id}}", tags=["admin"], openapi_extra=allows("operator"), status_code=204)
async def discard_dead_letter(it: It, operator: AsOperator, id: UUID) -> None:
    """Gives it up: it will have no effect."""
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        if not await store.remove_letter(conn, id):
            raise no_letter()
    log.warning("a dead letter was discarded", extra=fields(id=id, by=operator.sub))


@router.post(
    f"{LETTERS}/{{id}}/replay", tags=["admin"], openapi_extra=allows("operator"), status_code=202, response_class=Response
)
async def replay_dead_letter(it: It, _: AsOperator, id: UUID) -> Response:
    """Has it tried again now, from the first attempt on."""
    async with it.pool.acquire(timeout=ACQUIRE_S) as conn:
        if await store.replay(conn, id) == 0:
            raise no_letter()
    return Response(status_code=202)


# Deliveries: an event by itself or, in bulk, a hundred at a time, each entry answered by itself.


def deliveries() -> APIRouter:
    """`POST /events/<topic>` for each topic, and `…/dead-letters` for what the sidecar could not deliver there."""
    routes = APIRouter(include_in_schema=False)
    for topic in CONSUMED:
        path = f"/events/{topic.lower().replace('_', '-')}"
        routes.add_api_route(path, _receiver(topic, inbox.take_all), methods=["POST"])
        routes.add_api_route(f"{path}/dead-letters", _receiver(topic, inbox.keep_undelivered), methods=["POST"])
    return routes


def _receiver(topic: str, take: Any) -> Any:
    async def receive(request: Request, it: It) -> JSONResponse:
        it.sidecar.assert_from_sidecar(request)
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_DELIVERY_BYTES:
                raise ValueError("a delivery is too large")
        delivery = read_json(bytes(body))
        done = {"status": "SUCCESS"}
        if isinstance(delivery, dict) and "entries" in delivery:
            events = [entry["event"] for entry in delivery["entries"]]
            answer = {"statuses": [{"entryId": entry["entryId"], **done} for entry in delivery["entries"]]}
        else:
            events, answer = [delivery], done
        if events:
            follow_trace_of(events[0])
            await take(it.pool, CONSUMED[topic], events)
        # What could not take effect is kept here, so nobody has to keep it for us.
        return JSONResponse(answer)

    return receive


def follow_trace_of(event: Any) -> None:
    """The sidecar sends no trace with a delivery unless it traces itself, so the envelope's own is used."""
    traceparent = event.get("traceparent") if isinstance(event, dict) else None
    if isinstance(traceparent, str):
        CURRENT.set(Trace.following(traceparent))


def app() -> FastAPI:
    api = FastAPI(
        title=APP_ID,
        description="Each user's feed and the audit log",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.include_router(router)
    api.include_router(deliveries())
    return api


def openapi() -> dict[str, Any]:
    """The OpenAPI document. FastAPI would promise its own answer to a bad query; ours is a problem."""
    document = app().openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return document
