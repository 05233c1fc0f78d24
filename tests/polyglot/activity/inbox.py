"""Events that take effect once, and of which none is lost.

The effects of a delivery and the ids of its events commit together, so a second delivery changes nothing. An event that can't
take effect is put aside as a dead letter, so that the others go on, and is tried again, later and later. Only a database that is
down is told to the sidecar (by a 500), which then delivers all again; no entry is ever answered with DROP.
"""

import json
import logging
from base64 import b64decode
from typing import Any

import asyncpg

from . import store
from .database import Connection, Pool, read_json
from .events import CONSUMED, Received, Told, Unreadable, id_of
from .telemetry import DEAD_LETTERS, fields

log = logging.getLogger(__name__)

# After these, an hour in all, only an operator can help.
ATTEMPTS = 12
LONGEST_PAUSE_S = 600
# A turn is over well within the time to drain.
LETTERS_A_TURN = 100
CHUNK, CHUNKS_A_TURN = 1_000, 100


async def take_all(pool: Pool, kind: type[Told], events: list[Any]) -> None:
    """All events in one transaction or, if that fails, each in its own."""
    try:
        return await take_in_transaction(pool, kind, events)
    except Exception as failure:
        if len(events) == 1:
            return await put_aside(pool, kind, events[0], failure)
    for event in events:
        try:
            await take_in_transaction(pool, kind, [event])
        except Exception as failure:
            await put_aside(pool, kind, event, failure)


async def take_in_transaction(pool: Pool, kind: type[Told], events: list[Any]) -> None:
    async with pool.acquire(timeout=5) as conn, conn.transaction():
        await take(conn, kind, events)


async def take(conn: Connection, kind: type[Told], events: list[Any]) -> None:
    """Notes the events that are not noted yet, and does what they do, in the caller's transaction."""
    # An event that comes twice in one delivery counts once.
    read = {event.envelope.id: event for event in (Received.read(it, kind) for it in events)}
    new = await store.note_in_inbox(conn, read)
    if not new:
        return
    received = [event for id, event in read.items() if id in new]
    lines = [(event, item) for event in received for item in event.told.items()]
    users = [item.user_id for _, item in lines]
    await store.append_to_log(conn, received)
    await store.take_feeds(conn, users)
    await store.add_to_feeds(conn, lines)
    await store.wake_streams(conn, users)
    await store.note_entries(conn, [entry for event in received for entry in event.told.entries()])


async def put_aside(pool: Pool, kind: type[Told], event: Any, failure: Exception) -> None:
    """If the database is down, this fails too, and the sidecar delivers the event again."""
    event_id, lasts = id_of(event), isinstance(failure, Unreadable)
    log.error("an event had no effect; put aside", extra=fields(topic=kind.TOPIC, event_id=event_id, lasts=lasts))
    async with pool.acquire(timeout=5) as conn:
        await store.put_aside(conn, event_id, kind.TOPIC, json.dumps(event).encode(), reason_of(failure), not lasts)


def reason_of(failure: Exception) -> str:
    if isinstance(failure, Unreadable):
        return str(failure)
    # What a library says may repeat the event.
    return f"{'the database failed' if isinstance(failure, asyncpg.PostgresError) else 'internal_error'}: {type(failure).__name__}"


async def keep_undelivered(pool: Pool, kind: type[Told], events: list[Any]) -> None:
    """What the sidecar gave up to deliver: that we were down is no reason to lose it, so it is tried again from here."""
    async with pool.acquire(timeout=5) as conn:
        for event in events:
            payload = undelivered_payload(event)
            try:
                event_id = id_of(read_json(payload))
            except ValueError:
                event_id = None
            log.error("an event could not be delivered; put aside", extra=fields(topic=kind.TOPIC, event_id=event_id))
            await store.put_aside(conn, event_id, kind.TOPIC, payload, "the sidecar could not deliver it", True)


def undelivered_payload(event: Any) -> bytes:
    """Messages of a topic of dead letters may be anything: they come in Base64."""
    if not isinstance(event, str):
        return json.dumps(event).encode()
    try:
        return b64decode(event, validate=True)
    except ValueError:
        return event.encode("utf-8", "replace")


async def retry(pool: Pool) -> None:
    """Tries the dead letters that are due; each is tried by one replica."""
    for _ in range(LETTERS_A_TURN):
        async with pool.acquire(timeout=5) as conn, conn.transaction():
            letter = await store.next_due(conn)
            if letter is None:
                break
            await retry_one(conn, letter)
    async with pool.acquire(timeout=5) as conn:
        waiting, dead = await store.count_letters(conn)
    DEAD_LETTERS.labels("waiting").set(waiting)
    DEAD_LETTERS.labels("dead").set(dead)


async def retry_one(conn: Connection, letter: asyncpg.Record) -> None:
    try:
        # A transaction in the transaction: of an attempt that fails nothing stays.
        async with conn.transaction():
            if letter["topic"] not in CONSUMED:
                raise Unreadable(f"unknown kind: {letter['topic']} is not taken here any more")
            try:
                event = read_json(letter["payload"])
            except ValueError:
                raise Unreadable("unreadable: no JSON") from None
            await take(conn, CONSUMED[letter["topic"]], [event])
    except (asyncpg.PostgresError, Unreadable) as failure:
        again = not isinstance(failure, Unreadable) and letter["attempts"] + 1 < ATTEMPTS
        pause = min(1 << max(0, min(letter["attempts"], 16)), LONGEST_PAUSE_S) if again else None
        await store.failed_again(conn, letter["id"], reason_of(failure), pause)
    else:
        await store.remove_letter(conn, letter["id"])
        log.info("a dead letter took effect", extra=fields(topic=letter["topic"], event_id=letter["event_id"]))


async def forget_old(pool: Pool) -> None:
    """The inbox forgets what no broker would deliver again."""
    async with pool.acquire(timeout=5) as conn:
        for _ in range(CHUNKS_A_TURN):
            if await store.forget_deliveries(conn, CHUNK) < CHUNK:
                break
