"""The chain of hashes over the audit log: sealing new lines, and verifying all.

What a seal has to be is computed by PostgreSQL (`seal_of_lines` of the migrations), so both implementations agree on it.

Lines get their numbers before they are committed, so a smaller number may appear after a larger one. Therefore only what was
written up to a mark is sealed, once everything that was under way at the mark has ended.
"""

import re
import time
from dataclasses import dataclass
from typing import Annotated

from asyncpg import Record
from pydantic import BaseModel, Field

from . import store
from .database import Connection, Pool

# The most lines of one seal, and the most seals of one turn.
LINES, SEALS_A_TURN = 1_000, 50
HEAD = re.compile(r"([0-9]{1,19}):([0-9a-fA-F]{64})")


@dataclass(frozen=True)
class Head:
    """A link of the chain, written `NUMBER:HASH`."""

    number: int = 0
    hash: bytes = bytes(32)

    @classmethod
    def parse(cls, text: str) -> "Head":
        found = HEAD.fullmatch(text)
        if not found or int(found[1]) >= 2**63:
            raise ValueError("a head is NUMBER:HASH, with 64 hexadecimal digits")
        return cls(int(found[1]), bytes.fromhex(found[2]))

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


@dataclass(frozen=True)
class Link:
    """A seal: what the next one goes on from."""

    head: Head = Head()
    last_seq: int = -(2**63)

    @classmethod
    def of(cls, row: Record | None) -> "Link | None":
        return row and cls(Head(row["number"], row["hash"]), row["last_seq"])


class Sealer:
    def __init__(self, pool: Pool):
        self.pool = pool
        self.mark: tuple[int, str] | None = None

    async def round(self) -> None:
        """Seals what was written before the round before, as far as it is settled; replicas take turns."""
        async with self.pool.acquire(timeout=5) as conn:
            if self.mark:
                seq, transaction = self.mark
                settled = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"
                if not await conn.fetchval(settled, transaction):
                    return
                for _ in range(SEALS_A_TURN):
                    if not await seal(conn, seq):
                        break
                else:
                    return
            # Two statements, so that whoever took a number up to the one was under way at the other.
            seq = await conn.fetchval(
                "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_log', 'seq')::regclass), 0)"
            )
            self.mark = seq, await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")


async def seal(conn: Connection, last_seq: int) -> bool:
    """One seal, of lines up to `last_seq`. Says whether there may be more."""
    async with conn.transaction():
        if not await store.take_turn(conn, store.SEAL):
            return False
        row = await conn.fetchrow("SELECT number, last_seq, hash FROM audit_seals ORDER BY number DESC LIMIT 1")
        newest = Link.of(row) or Link()
        events = await conn.fetchval(
            """INSERT INTO audit_seals (number, last_seq, events, hash, seqs, digests)
               SELECT $1::bigint, cut.seq, new.events, new.hash, new.seqs, new.digests
                 FROM (SELECT max(seq) AS seq FROM (
                           SELECT seq FROM audit_log WHERE seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5
                       ) AS next) AS cut,
                      LATERAL seal_of_lines($2, $1, $3, cut.seq) AS new
                WHERE cut.seq IS NOT NULL
               RETURNING events""",
            newest.head.number + 1,
            newest.head.hash,
            newest.last_seq,
            last_seq,
            LINES,
        )
    return events == LINES


class Difference(BaseModel):
    """The first place at which the log or the chain is not what was sealed."""

    place: Annotated[str, Field(description="The line of the log, if one is the cause, or the seal.")]
    found: str


@dataclass
class Report:
    """What a verification found."""

    # The last seal that is as it should be.
    head: Head
    seals: int = 0
    # Lines after the last seal, which the chain does not cover yet. None: the end was not reached.
    unsealed: int | None = None
    difference: Difference | None = None

    def __str__(self) -> str:
        text = f"seals {self.seals}, lines that wait for a seal {self.unsealed or 0}\nhead {self.head}\n"
        if self.difference:
            return f"{text}DIFFERENCE {self.difference.place}: {self.difference.found}\nthe audit log is NOT SOUND"
        return f"{text}the audit log is sound"


async def verify(conn: Connection, kept: Head | None, only_after_kept: bool, budget_s: float) -> Report | None:
    """Recomputes the chain, or what comes after a head that was kept. None: another verification runs."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        if not await store.take_turn(conn, store.VERIFY):
            return None
        return await walk(conn, kept, only_after_kept, budget_s)


async def walk(conn: Connection, kept: Head | None, only_after_kept: bool, budget_s: float) -> Report:
    end = time.monotonic() + budget_s
    link = Link()
    report = Report(link.head)
    if kept and kept != link.head:
        found = Link.of(await conn.fetchrow("SELECT number, last_seq, hash FROM audit_seals WHERE number = $1", kept.number))
        if not found or found.head != kept:
            rest = f"it is {found.head}" if found else "it is gone"
            report.difference = Difference(place=f"seal {kept.number}", found=f"the head that was kept is {kept}, and {rest}")
            return report
        if only_after_kept:
            link = found
    report.head = link.head
    while time.monotonic() < end:
        # The next seal, with the hash that follows from `link` and from what the lines are now.
        row = await conn.fetchrow(
            """SELECT seal.number, seal.last_seq, seal.hash, now.hash AS expected
                 FROM audit_seals AS seal, LATERAL seal_of_lines($2, $1::bigint + 1, $3, seal.last_seq) AS now
                WHERE seal.number = (SELECT min(number) FROM audit_seals WHERE number > $1)""",
            link.head.number,
            link.head.hash,
            link.last_seq,
        )
        if row is None:
            report.unsealed = await conn.fetchval("SELECT count(*) FROM audit_log WHERE seq > $1", link.last_seq)
            break
        report.difference = await difference(conn, link, row)
        if report.difference:
            break
        link = Link(Head(row["number"], row["hash"]), row["last_seq"])
        report.head = link.head
        report.seals += 1
    return report


async def difference(conn: Connection, before: Link, row: Record) -> Difference | None:
    number = before.head.number + 1
    if row["number"] != number:
        return Difference(place=f"seal {number}", found="it is gone")
    if row["hash"] == row["expected"]:
        return None
    # The first line that is not what the seal says.
    line = await conn.fetchrow(
        """WITH seal AS (SELECT last_seq, seqs, digests FROM audit_seals WHERE number = $1)
           SELECT coalesce(was.seq, now.seq) AS seq, now.event_id, was.seq IS NULL AS added
             FROM (SELECT line.* FROM seal, LATERAL unnest(seqs, digests) AS line (seq, digest)) AS was
             FULL JOIN (SELECT log.seq, log.event_id, digest_of_line(log) AS digest
                          FROM seal, audit_log AS log WHERE log.seq > $2 AND log.seq <= seal.last_seq) AS now
               ON now.seq = was.seq
            WHERE was.digest IS DISTINCT FROM now.digest
            ORDER BY 1 LIMIT 1""",
        number,
        before.last_seq,
    )
    if line is None:
        return Difference(place=f"seal {number}", found="its hash is not that of its lines, which are what it says")
    if line["event_id"] is None:
        return Difference(place=f"line {line['seq']} in seal {number}", found="it is gone")
    found = "it was added later" if line["added"] else "it was changed"
    return Difference(place=f"line {line['seq']} (event {line['event_id']}) in seal {number}", found=found)
