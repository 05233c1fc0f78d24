"""The pool of connections, and the schema: the migrations of services/activity, applied as sqlx applies them.

sqlx notes each migration with its SHA-384 in `_sqlx_migrations`. We do the same, under the same lock, so either
implementation may take over the database of the other. What a newer version has added is left alone: this one runs on it.
"""

import asyncio
import hashlib
import json
import logging
import time
import zlib
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from .config import required

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parents[3] / "services/activity/migrations"
POOL_SIZE = 10
START_TIMEOUT_S = 60

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Pool: TypeAlias = asyncpg.Pool


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def read_json(text: str | bytes) -> Any:
    return json.loads(text if isinstance(text, str) else text.decode(), parse_constant=refuse)


async def with_json(conn: Connection) -> None:
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=read_json)


async def connect() -> asyncpg.Connection:
    """One connection outside of the pool. The password comes from `PGPASSFILE`, as libpq has it."""
    conn = await asyncpg.connect(required("DATABASE_URL"), timeout=5)
    await with_json(conn)
    return conn


async def pool() -> Pool:
    """Waits for a database that starts or recovers from a crash, and brings the schema up to date."""
    started = time.monotonic()
    while True:
        try:
            conn = await connect()
            break
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            if time.monotonic() - started > START_TIMEOUT_S:
                raise
            log.warning("waiting for the database: %s", error)
            await asyncio.sleep(0.5)
    try:
        await migrate(conn)
    finally:
        await conn.close()
    return await asyncpg.create_pool(
        required("DATABASE_URL"), min_size=1, max_size=POOL_SIZE, init=with_json, timeout=5, command_timeout=30
    )


async def migrate(conn: Connection) -> None:
    lock = 0x3D32AD9E * zlib.crc32((await conn.fetchval("SELECT current_database()")).encode())
    await conn.execute("SELECT pg_advisory_lock($1)", lock)
    try:
        await conn.execute(
            """CREATE TABLE IF NOT EXISTS _sqlx_migrations (
                   version BIGINT PRIMARY KEY,
                   description TEXT NOT NULL,
                   installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
                   success BOOLEAN NOT NULL,
                   checksum BYTEA NOT NULL,
                   execution_time BIGINT NOT NULL
               )"""
        )
        rows = await conn.fetch("SELECT version, checksum, success FROM _sqlx_migrations")
        applied = {row["version"]: row["checksum"] for row in rows if row["success"]}
        files = {int(file.name.split("_")[0]): file for file in sorted(MIGRATIONS.glob("*.sql"))}
        if unfinished := {row["version"] for row in rows} - applied.keys():
            raise RuntimeError(f"the database has migrations that were not finished: {sorted(unfinished)}")
        for version, file in files.items():
            checksum = hashlib.sha384(file.read_bytes()).digest()
            if version not in applied:
                await apply(conn, version, file, checksum)
            elif applied[version] != checksum:
                raise RuntimeError(f"migration {version} was changed after it was applied")
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", lock)


async def apply(conn: Connection, version: int, file: Path, checksum: bytes) -> None:
    description = file.stem.partition("_")[2].replace("_", " ")
    started = time.monotonic_ns()
    async with conn.transaction():
        await conn.execute(file.read_text())
        await conn.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES ($1, $2, TRUE, $3, $4)",
            version,
            description,
            checksum,
            time.monotonic_ns() - started,
        )
