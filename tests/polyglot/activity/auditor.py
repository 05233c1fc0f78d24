"""The auditor, which trusts nobody: it adds up what `TRANSACTION_MADE` tells, and compares the sums with the ledger's balances.

The events are read first, the ledger afterwards. Every event follows the commit of its entries, so all entries that the auditor
knows by then are in what the ledger answers. Hence there is no false alarm: with as many entries on both sides they are the same
entries, and their sums have to be equal; with more on the auditor's side, the ledger lacks some.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from . import store
from .database import Connection, Pool
from .identity import Identity
from .sidecar import Sidecar
from .telemetry import COMPARED, DIFFERENCES, LAG, fields

log = logging.getLogger(__name__)

# Entries that are added up in one transaction, and the most of these in one go.
FOLD_BATCH, FOLD_BATCHES = 10_000, 50
# Accounts that are compared at a time, and the most of these in one round: the ledger has other work.
PAGE, PAGES = 1_000, 10
NOBODY = UUID(int=0)

Kind = Literal["behind", "events_missing", "balance_differs", "unknown_entries"]
KINDS_OF_DIFFERENCES: tuple[Kind, ...] = ("events_missing", "balance_differs", "unknown_entries")
WAITING = ("behind", "events_missing")


class Balance(BaseModel, frozen=True):
    """How an account stands. One that is not there stands as one without entries."""

    balance_minor: int = 0
    entries: int = 0


@dataclass(frozen=True)
class Finding:
    """An account that does not stand the same on both sides."""

    account_id: UUID
    # 'behind' is no difference: the events may be on their way.
    kind: Kind
    ledger: Balance
    audited: Balance
    # How many entries the ledger had when this began.
    waits_for: int
    first_seen_at: datetime
    last_seen_at: datetime

    @classmethod
    def of(cls, row: Any) -> "Finding":
        ledger = Balance(balance_minor=row["ledger_minor"], entries=row["ledger_entries"])
        audited = Balance(balance_minor=row["audited_minor"], entries=row["audited_entries"])
        times = row["first_seen_at"], row["last_seen_at"]
        return cls(row["account_id"], row["kind"], ledger, audited, row["waits_for"], *times)


def judge(account_id: UUID, ledger: Balance, audited: Balance, known: Finding | None, now: datetime, grace: timedelta) -> Finding | None:
    """What there is to say of an account, if `known` was said of it before."""
    if ledger == audited:
        return None
    kind: Kind = "behind"
    if audited.entries > ledger.entries:
        kind = "unknown_entries"
    elif audited.entries == ledger.entries:
        kind = "balance_differs"
    new = Finding(account_id, kind, ledger, audited, ledger.entries, now, now)
    if known is None:
        return new
    # Who is behind has caught up as soon as there are as many entries as were waited for: then it is behind others, whose time
    # begins now. So an account that always moves is never blamed for what is on its way.
    both_wait = known.kind in WAITING and kind in WAITING
    if not (audited.entries < known.waits_for if both_wait else kind == known.kind):
        return new
    too_long = both_wait and now - known.first_seen_at >= grace
    return replace(
        new, kind="events_missing" if too_long else kind, waits_for=known.waits_for, first_seen_at=known.first_seen_at
    )


async def fold(pool: Pool) -> None:
    """Adds noted entries to the sums."""
    for _ in range(FOLD_BATCHES):
        async with pool.acquire(timeout=5) as conn, conn.transaction():
            if not await store.take_turn(conn, store.FOLD):
                return
            folded = await conn.fetchval(
                """WITH taken AS (
                       DELETE FROM audit_entries WHERE seq IN (SELECT seq FROM audit_entries ORDER BY seq LIMIT $1)
                       RETURNING account_id, amount_minor
                   ), folded AS (
                       INSERT INTO audited_accounts AS known (account_id, balance_minor, entries)
                       SELECT account_id, sum(amount_minor), count(*) FROM taken GROUP BY account_id
                       ON CONFLICT (account_id) DO UPDATE SET balance_minor = known.balance_minor + excluded.balance_minor,
                                                              entries = known.entries + excluded.entries
                   )
                   SELECT count(*) FROM taken""",
                FOLD_BATCH,
            )
        if folded < FOLD_BATCH:
            return


class Auditor:
    """Goes through all accounts, round by round, and begins again."""

    def __init__(self, pool: Pool, sidecar: Sidecar, identity: Identity, grace: timedelta):
        self.pool, self.sidecar, self.identity, self.grace = pool, sidecar, identity, grace
        # The account after which the next round goes on, and how many were compared in this pass.
        self.after, self.compared = NOBODY, 0

    async def round(self) -> None:
        """Compares the next accounts, until all have been or enough for a round, and sets the metrics."""
        await fold(self.pool)
        for _ in range(PAGES):
            if not await self.compare_page():
                break
        await self.report()

    async def compare_page(self) -> bool:
        """Says whether there are more."""
        async with self.pool.acquire(timeout=5) as conn, conn.transaction():
            if not await store.take_turn(conn, store.COMPARE):
                return False
            accounts, end = await self.read_page(conn)
            now = datetime.now(UTC)
            known = {it.account_id: it for it in await findings(conn, self.after, end)}
            judged = (judge(id, *sides, known.get(id), now, self.grace) for id, sides in sorted(accounts.items()))
            found = {it.account_id: it for it in judged if it}
            await replace_findings(conn, known, found)
            compared = self.compared + len(accounts)
            if end is None:
                await conn.execute(
                    """INSERT INTO audit_pass (finished_at, accounts_compared) VALUES ($1, $2)
                       ON CONFLICT (single) DO UPDATE SET finished_at = excluded.finished_at,
                                                        accounts_compared = excluded.accounts_compared""",
                    now,
                    compared,
                )
        tell(known, found)
        self.after, self.compared = (NOBODY, 0) if end is None else (end, compared)
        return end is not None

    async def read_page(self, conn: Connection) -> tuple[dict[UUID, tuple[Balance, Balance]], UUID | None]:
        """The next accounts as ledger and events have them, and the last one of them unless these are all."""
        rows = await conn.fetch(
            """SELECT account_id, entries,
                      least(greatest(balance_minor, -9223372036854775808), 9223372036854775807)::bigint AS balance_minor
                 FROM audited_accounts WHERE account_id > $1 ORDER BY account_id LIMIT $2""",
            self.after,
            PAGE,
        )
        audited = {row["account_id"]: Balance(balance_minor=row["balance_minor"], entries=row["entries"]) for row in rows}
        # Old events do not say through which account of the system money came: then those are not compared.
        names_all = not await conn.fetchval("SELECT EXISTS (SELECT FROM audited_accounts WHERE account_id = $1)", NOBODY)
        token = await self.identity.bearer("account", "ledger:read")
        answer = await self.sidecar.call("GET", "account", f"/internal/balances?cursor={self.after}&limit={PAGE}", token)
        page = answer.json()
        ledger = {UUID(it["account_id"]): Balance(balance_minor=it["balance_minor"], entries=it["entries"]) for it in page["items"]}
        skipped = {UUID(it["account_id"]) for it in page["items"] if it["system"] and not names_all}
        # A full page may not be the last one. The shorter of the two ranges is what both sides have told of.
        ends = [UUID(page["next_cursor"])] if page.get("next_cursor") else []
        if len(rows) >= PAGE:
            ends.append(rows[-1]["account_id"])
        end = min(ends, default=None)
        ids = {id for id in ledger.keys() | audited.keys() if end is None or id <= end} - skipped
        return {id: (ledger.get(id, Balance()), audited.get(id, Balance())) for id in ids}, end

    async def report(self) -> None:
        """Every replica sets the metrics from what is stored, whoever's turn it was."""
        async with self.pool.acquire(timeout=5) as conn:
            rows = await conn.fetch(
                """SELECT kind, count(*) AS accounts, sum(abs(ledger_entries - audited_entries))::bigint AS entries
                     FROM audit_findings GROUP BY kind"""
            )
            last = await last_pass(conn)
        counts = {row["kind"]: row for row in rows}
        for kind in KINDS_OF_DIFFERENCES:
            DIFFERENCES.labels(kind).set(counts[kind]["accounts"] if kind in counts else 0)
        LAG.set(sum(row["entries"] for kind, row in counts.items() if kind in WAITING))
        COMPARED.set(last["accounts_compared"] if last else 0)


def tell(known: dict[UUID, Finding], found: dict[UUID, Finding]) -> None:
    """One line for each difference that appears, and for each that goes. Amounts are not for logs."""
    before, after = ({(it.account_id, it.kind) for it in of.values() if it.kind != "behind"} for of in (known, found))
    for account_id, kind in after - before:
        log.error("the ledger differs from its events", extra=fields(account_id=account_id, kind=kind))
    for account_id, kind in before - after:
        log.error("a difference of the ledger from its events is gone", extra=fields(account_id=account_id, kind=kind))


async def findings(conn: Connection, after: UUID, end: UUID | None) -> list[Finding]:
    """What is known of the accounts after `after`, up to `end`."""
    sql = "SELECT * FROM audit_findings WHERE account_id > $1 AND ($2::uuid IS NULL OR account_id <= $2)"
    return [Finding.of(row) for row in await conn.fetch(sql, after, end)]


async def differences(conn: Connection, limit: int) -> list[Finding]:
    """The oldest differences."""
    sql = "SELECT * FROM audit_findings WHERE kind <> 'behind' ORDER BY first_seen_at, account_id LIMIT $1"
    return [Finding.of(row) for row in await conn.fetch(sql, limit)]


async def replace_findings(conn: Connection, known: dict[UUID, Finding], found: dict[UUID, Finding]) -> None:
    await conn.execute("DELETE FROM audit_findings WHERE account_id = ANY($1)", list(known))
    await conn.executemany(
        """INSERT INTO audit_findings (account_id, kind, ledger_minor, ledger_entries, audited_minor, audited_entries,
                                       waits_for, first_seen_at, last_seen_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        [
            (it.account_id, it.kind, it.ledger.balance_minor, it.ledger.entries, it.audited.balance_minor, it.audited.entries)
            + (it.waits_for, it.first_seen_at, it.last_seen_at)
            for it in found.values()
        ],
    )


async def last_pass(conn: Connection) -> Any:
    return await conn.fetchrow("SELECT finished_at, accounts_compared FROM audit_pass")
