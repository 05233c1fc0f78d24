"""The audit log, the feeds and the dead letters. Every function takes a connection; the caller owns the transaction."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from asyncpg import InterfaceError, PostgresError, Record

from .database import Connection
from .events import Entry, Item, Received
from .page import Place

# What goes wrong in the database or on the way to it.
DatabaseError = (PostgresError, InterfaceError)

# The channel on which PostgreSQL tells all replicas whose feeds have new lines.
CHANNEL = "feed"
# PostgreSQL takes 8,000 bytes at a time, and an id with its comma has 37.
USERS_AT_A_TIME = 200
# How long the inbox keeps the ids of events: longer than a broker keeps a message.
KEEP_DAYS = 30

# What one replica does at a time: any numbers, the same in all replicas of both implementations.
FOLD, COMPARE, SEAL, VERIFY = 0x666F6C64, 0x61756469, 0x7365616C, 0x76657269


def uuid7() -> UUID:
    """RFC 9562 §5.7."""
    value = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


async def take_turn(conn: Connection, turn: int) -> bool:
    """Whether it is this replica's turn until the end of the transaction."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", turn))


# What an event does.


async def note_in_inbox(conn: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Notes the ids and says which were not here before. Another delivery of them waits here for our commit."""
    # In one order, so that two deliveries never wait for each other.
    rows = await conn.fetch(
        "INSERT INTO inbox (event_id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id", sorted(ids)
    )
    return {row["event_id"] for row in rows}


async def append_to_log(conn: Connection, events: Sequence[Received]) -> None:
    envelopes = [event.envelope for event in events]
    await conn.execute(
        """INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at)
           SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])""",
        [it.id for it in envelopes],
        [it.type for it in envelopes],
        [it.subject for it in envelopes],
        [it.data for it in envelopes],
        [it.time for it in envelopes],
        datetime.now(UTC),
    )


async def take_feeds(conn: Connection, users: Iterable[UUID]) -> None:
    """Lets no other transaction add to these users' feeds until this one ends: so the lines of a feed appear in the order of
    their numbers, and whoever has read up to one has missed none before it."""
    await conn.execute(
        """SELECT pg_advisory_xact_lock(hashtextextended(user_id::text, 0))
             FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (user_id, place) ORDER BY place""",
        sorted(set(users)),
    )


async def add_to_feeds(conn: Connection, lines: Sequence[tuple[Received, Item]]) -> None:
    await conn.execute(
        """INSERT INTO feed (id, user_id, event_id, kind, data, occurred_at)
           SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::timestamptz[])""",
        [uuid7() for _ in lines],
        [item.user_id for _, item in lines],
        [event.envelope.id for event, _ in lines],
        [item.kind for _, item in lines],
        [item.data for _, item in lines],
        [event.envelope.time for event, _ in lines],
    )


async def wake_streams(conn: Connection, users: Sequence[UUID]) -> None:
    """Wakes the streams of these users in all replicas, when the transaction is committed."""
    for start in range(0, len(users), USERS_AT_A_TIME):
        names = ",".join(map(str, users[start : start + USERS_AT_A_TIME]))
        await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, names)


async def note_entries(conn: Connection, entries: Sequence[Entry]) -> None:
    await conn.execute(
        "INSERT INTO audit_entries (account_id, amount_minor) SELECT * FROM unnest($1::uuid[], $2::bigint[])",
        [entry.account_id for entry in entries],
        [entry.amount_minor for entry in entries],
    )


# Feeds and the log.


@dataclass(frozen=True)
class Filter:
    """Which lines. All that is given has to hold."""

    user_id: UUID | None
    kind: str | None
    from_: datetime | None
    before: datetime | None
    subject: str | None = None


async def feed_page(conn: Connection, which: Filter, place: Place[int], limit: int) -> list[Record]:
    """The `limit` lines at `place`, newest first."""
    return await conn.fetch(
        """WITH wanted AS NOT MATERIALIZED (
             SELECT seq, id, kind, data, occurred_at FROM feed
              WHERE user_id = $1 AND ($5::text IS NULL OR kind = $5)
                AND ($6::timestamptz IS NULL OR occurred_at >= $6) AND ($7::timestamptz IS NULL OR occurred_at < $7)
           )
           SELECT * FROM (
             (SELECT * FROM wanted WHERE NOT $4 AND seq < $2 ORDER BY seq DESC LIMIT $3)
             UNION ALL
             (SELECT * FROM wanted WHERE $4 AND seq > $2 ORDER BY seq LIMIT $3)
           ) AS page ORDER BY seq DESC""",
        which.user_id,
        2**63 - 1 if place.key is None else place.key,
        limit,
        place.back,
        which.kind,
        which.from_,
        which.before,
    )


async def log_page(conn: Connection, which: Filter, place: Place[int], limit: int) -> list[Record]:
    """The `limit` lines of the audit log at `place`, newest first; of a user, what they were told of."""
    return await conn.fetch(
        """WITH wanted AS NOT MATERIALIZED (
             SELECT seq, event_id, kind, subject, data, occurred_at, received_at FROM audit_log
              WHERE ($4::text IS NULL OR kind = $4) AND ($5::text IS NULL OR subject = $5)
                AND ($6::uuid IS NULL OR event_id IN (SELECT event_id FROM feed WHERE user_id = $6))
                AND ($7::timestamptz IS NULL OR received_at >= $7) AND ($8::timestamptz IS NULL OR received_at < $8)
           )
           SELECT * FROM (
             (SELECT * FROM wanted WHERE NOT $3 AND seq < $1 ORDER BY seq DESC LIMIT $2)
             UNION ALL
             (SELECT * FROM wanted WHERE $3 AND seq > $1 ORDER BY seq LIMIT $2)
           ) AS page ORDER BY seq DESC""",
        2**63 - 1 if place.key is None else place.key,
        limit,
        place.back,
        which.kind,
        which.subject,
        which.user_id,
        which.from_,
        which.before,
    )


async def newest_of_feed(conn: Connection, user_id: UUID) -> int:
    return int(await conn.fetchval("SELECT coalesce(max(seq), 0) FROM feed WHERE user_id = $1", user_id))


async def feed_after(conn: Connection, user_id: UUID, after: int, limit: int) -> list[Record]:
    """The oldest lines after the line `after`."""
    return await conn.fetch(
        "SELECT seq, id, kind, data, occurred_at FROM feed WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        user_id,
        after,
        limit,
    )


async def forget_feed(conn: Connection, cutoff: datetime, limit: int) -> int:
    """Deletes those of the oldest `limit` lines that happened before `cutoff`. Lines are nearly in the order of their time."""
    done = await conn.execute(
        """DELETE FROM feed WHERE seq IN (
               SELECT seq FROM (SELECT seq, occurred_at FROM feed ORDER BY seq LIMIT $2) AS oldest WHERE occurred_at < $1
           )""",
        cutoff,
        limit,
    )
    return count_of(done)


async def forget_deliveries(conn: Connection, limit: int) -> int:
    """Forgets the oldest deliveries. Replicas pass over what another is deleting."""
    done = await conn.execute(
        """DELETE FROM inbox WHERE event_id IN (
               SELECT event_id FROM inbox WHERE received_at < now() - make_interval(days => $1)
               ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
           )""",
        KEEP_DAYS,
        limit,
    )
    return count_of(done)


def count_of(command_tag: str) -> int:
    """How many rows a statement changed: `DELETE 3`."""
    return int(command_tag.rsplit(" ", 1)[1])


# Dead letters.

LETTER = "id, event_id, topic, payload, reason, attempts, first_failed_at, last_failed_at, next_attempt_at"


async def put_aside(conn: Connection, event_id: UUID | None, topic: str, payload: bytes, reason: str, again: bool) -> None:
    """A delivery of an event that is here already changes nothing."""
    await conn.execute(
        f"""INSERT INTO dead_letters ({LETTER})
            VALUES ($1, $2, $3, $4, $5, 1, now(), now(), CASE WHEN $6 THEN now() + interval '1 second' END)
            ON CONFLICT DO NOTHING""",
        uuid7(),
        event_id,
        topic,
        payload,
        reason.replace("\0", ""),
        again,
    )


async def next_due(conn: Connection) -> Record | None:
    """The letter that has been due the longest, for this transaction alone."""
    return await conn.fetchrow(
        f"SELECT {LETTER} FROM dead_letters WHERE next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )


async def failed_again(conn: Connection, id: UUID, reason: str, pause_s: int | None) -> None:
    """The next attempt comes after `pause_s` seconds, or only by an operator's word."""
    await conn.execute(
        """UPDATE dead_letters SET attempts = attempts + 1, reason = $2, last_failed_at = now(),
                                   next_attempt_at = now() + make_interval(secs => $3)
            WHERE id = $1""",
        id,
        reason.replace("\0", ""),
        pause_s,
    )


async def remove_letter(conn: Connection, id: UUID) -> bool:
    return count_of(await conn.execute("DELETE FROM dead_letters WHERE id = $1", id)) == 1


async def replay(conn: Connection, id: UUID | None = None, topic: str | None = None, waiting: bool | None = None) -> int:
    """Has letters tried again now, from the first attempt on, and says how many they are."""
    done = await conn.execute(
        """UPDATE dead_letters SET attempts = 0, next_attempt_at = now()
            WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR topic = $2)
              AND ($3::bool IS NULL OR (next_attempt_at IS NOT NULL) = $3)""",
        id,
        topic,
        waiting,
    )
    return count_of(done)


async def find_letter(conn: Connection, id: UUID) -> Record | None:
    return await conn.fetchrow(f"SELECT {LETTER} FROM dead_letters WHERE id = $1", id)


async def letters(conn: Connection, topic: str | None, waiting: bool | None, place: Place[UUID], limit: int) -> list[Record]:
    """At most `limit` letters beside `place`, the newest first."""
    return await conn.fetch(
        f"""SELECT * FROM (
                SELECT {LETTER} FROM dead_letters
                 WHERE ($1::text IS NULL OR topic = $1) AND ($2::bool IS NULL OR (next_attempt_at IS NOT NULL) = $2)
                   AND ($3::uuid IS NULL OR CASE WHEN $4 THEN id > $3 ELSE id < $3 END)
                 ORDER BY CASE WHEN $4 THEN id END, CASE WHEN NOT $4 THEN id END DESC LIMIT $5
            ) AS page ORDER BY id DESC""",
        topic,
        waiting,
        place.key,
        place.back,
        limit,
    )


async def count_letters(conn: Connection) -> tuple[int, int]:
    """Those that wait for an attempt, and those that wait for an operator."""
    row = await conn.fetchrow("SELECT count(next_attempt_at) AS waiting, count(*) AS all FROM dead_letters")
    return row["waiting"], row["all"] - row["waiting"]
