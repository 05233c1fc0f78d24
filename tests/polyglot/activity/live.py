"""Who is listening to their feed, and what wakes them: one connection hears from PostgreSQL whose feeds have new lines."""

import asyncio
import logging
from collections import defaultdict
from typing import Any
from uuid import UUID

from . import store
from .database import connect
from .problem import Problem
from .telemetry import STREAMS

log = logging.getLogger(__name__)

# A browser has one for each of its windows.
MOST_OF_A_USER = 8
MOST = 2_000
PAUSE_S = 1


class Live:
    """The streams of this replica: an event for each, which is set when there may be new lines."""

    def __init__(self) -> None:
        self.of_users: defaultdict[UUID, list[asyncio.Event]] = defaultdict(list)
        self.count = 0
        self.closed = False

    def open(self, user_id: UUID) -> asyncio.Event:
        if self.count >= MOST or self.closed:
            raise Problem(503, "busy", "There are as many open streams as there can be", retry_after_s=5)
        if len(self.of_users[user_id]) >= MOST_OF_A_USER:
            raise Problem(429, "too_many_streams", "You have as many open streams as one may have", retry_after_s=30)
        woken = asyncio.Event()
        self.of_users[user_id].append(woken)
        self.count += 1
        STREAMS.set(self.count)
        return woken

    def leave(self, user_id: UUID, woken: asyncio.Event) -> None:
        self.of_users[user_id].remove(woken)
        if not self.of_users[user_id]:
            del self.of_users[user_id]
        self.count -= 1
        STREAMS.set(self.count)

    def close(self) -> None:
        """Ends all streams: they would hold up the drain."""
        self.closed = True
        self.wake_all()

    def wake_all(self) -> None:
        for streams in self.of_users.values():
            for woken in streams:
                woken.set()

    def wake(self, _conn: Any, _pid: int, _channel: str, names: Any) -> None:
        for name in names.split(","):
            for woken in self.of_users.get(UUID(name), ()):
                woken.set()

    async def listen(self) -> None:
        while True:
            try:
                await self.hear()
            except (OSError, TimeoutError, *store.DatabaseError):
                log.warning("new lines of feeds can't be heard of", exc_info=True)
            await asyncio.sleep(PAUSE_S)

    async def hear(self) -> None:
        """Until the connection is lost. What was said before it was there is looked for."""
        conn = await connect()
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(lambda _: lost.set())
            await conn.add_listener(store.CHANNEL, self.wake)
            self.wake_all()
            await lost.wait()
        finally:
            conn.terminate()
