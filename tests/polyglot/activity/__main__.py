"""`activity openapi` prints its contract, `activity verify` checks the audit log, `activity dead-letters` shows and replays events
that had no effect; without an argument it serves."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from . import APP_ID, auditor, chain, database, inbox, routes, server, store, telemetry
from .config import Config
from .database import Connection, Pool
from .identity import Identity
from .live import Live
from .page import Place
from .routes import DeadLetter, State
from .sidecar import Sidecar

FORGET_CHUNK = 1_000
T = TypeVar("T")


async def serve() -> None:
    telemetry.init()
    config = Config.from_env()
    listener = server.listen()
    sidecar = Sidecar()
    pool = await database.pool()
    await sidecar.wait()
    identity = Identity(sidecar, await sidecar.secret_value(f"client-secret-{APP_ID}"))
    state = State(pool, sidecar, identity, Live())
    api = routes.app()
    api.state.activity = state
    server.answer_problems(api)
    server.answer_probes(api, sidecar, pool)
    background = server.Background()
    start_work(background, state, config)
    await server.run(api, listener, background, state.live.close)
    await pool.close()
    server.log.info("stopped")


def start_work(background: server.Background, state: State, config: Config) -> None:
    """What goes on beside the requests."""
    pool = state.pool
    audit = auditor.Auditor(pool, state.sidecar, state.identity, config.audit_grace)
    background.every(1, "adding up what events tell of accounts", lambda: auditor.fold(pool))
    background.every(config.audit_period_s, "comparing the ledger with its events", audit.round)
    background.every(1, "sealing the audit log", chain.Sealer(pool).round)
    background.every(1, "trying dead letters again", lambda: inbox.retry(pool))
    background.every(60, "forgetting old deliveries", lambda: inbox.forget_old(pool))
    background.every(600, "forgetting old lines of feeds", lambda: forget_feeds(pool, config.feed_retention_days))
    background.beside(state.live.listen())


async def forget_feeds(pool: Pool, days: int) -> None:
    """Feeds forget, in chunks that are in nobody's way; the audit log does not."""
    cutoff = datetime.now(UTC) - timedelta(days=days)
    async with pool.acquire() as conn:
        while await store.forget_feed(conn, cutoff, FORGET_CHUNK) > 0:
            pass


async def verify(arguments: list[str]) -> int:
    """Prints the report; 0 if the log is sound. It does not migrate the database: a check has to change nothing."""
    match arguments:
        case []:
            kept = None
        case ["--head", head]:
            kept = chain.Head.parse(head)
        case _:
            raise SystemExit("usage: activity verify [--head NUMBER:HASH]")
    conn = await database.connect()
    report = await chain.verify(conn, kept, only_after_kept=False, budget_s=float("inf"))
    if report is None:
        raise SystemExit("another verification runs")
    print(report)
    return 1 if report.difference else 0


async def dead_letters(arguments: list[str]) -> int:
    """Prints a line of JSON for each letter. A running service does what is asked for within a second."""
    conn = await database.connect()
    match arguments:
        case [] | ["list"]:
            await list_letters(conn)
        case ["show", id]:
            row = await store.find_letter(conn, UUID(id))
            print(DeadLetter.whole(there(row)).model_dump_json(exclude_unset=True))
        case ["replay", "all"]:
            print(f"{await store.replay(conn)} to be tried again")
        case ["replay", id]:
            print(f"{there(await store.replay(conn, UUID(id)))} to be tried again")
        case ["discard", id]:
            there(await store.remove_letter(conn, UUID(id)))
        case _:
            raise SystemExit("usage: dead-letters [list | show ID | replay ID | replay all | discard ID]")
    return 0


def there(found: T | None) -> T:
    if not found:
        raise SystemExit("there is no such dead letter")
    return found


async def list_letters(conn: Connection) -> None:
    place: Place[UUID] = Place.start()
    while rows := await store.letters(conn, None, None, place, 200):
        for row in rows:
            print(DeadLetter.brief(row).model_dump_json(exclude_unset=True))
        place = Place(False, rows[-1]["id"])


def run(command: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(command)
    except (ValueError, OSError, *store.DatabaseError) as error:
        raise SystemExit(f"activity: {error}") from None


def main() -> int:
    match sys.argv[1:]:
        case ["openapi"]:
            print(json.dumps(routes.openapi(), indent=2))
        case ["verify", *arguments]:
            return run(verify(arguments))
        case ["dead-letters", *arguments]:
            return run(dead_letters(arguments))
        case []:
            asyncio.run(serve())
        case _:
            raise SystemExit("usage: activity [openapi | verify … | dead-letters …]")
    return 0


sys.exit(main())
