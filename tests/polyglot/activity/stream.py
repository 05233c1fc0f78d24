"""Server-sent events of one feed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .store import DatabaseError

log = logging.getLogger(__name__)

# How long a stream is quiet: then it looks for lines by itself, and shows with a comment that it is alive.
POLL_S = 15
# After how long a browser connects again.
RETRY_MS = 1_000
LINES_AT_A_TIME = 100


@dataclass
class Feed:
    # The last line that was read.
    after: int
    # Set when there may be new lines.
    woken: asyncio.Event
    lines_after: Callable[[int, int], Awaitable[list[tuple[int, str]]]]
    is_over: Callable[[], Awaitable[bool]]
    leave: Callable[[], None]


class EventStream(Response):
    media_type = "text/event-stream"

    def __init__(self, feed: Feed):
        self.feed = feed
        super().__init__(headers={"content-type": self.media_type, "cache-control": "no-store"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            # It says where the stream begins, also to whoever has not seen a line yet, and carries the headers through sidecars,
            # which send them with the first bytes.
            await say(send, f"retry: {RETRY_MS}\nid: {self.feed.after}\n\n")
            await self.go_on(send, gone)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self.feed.leave()

    async def go_on(self, send: Send, gone: asyncio.Task[None]) -> None:
        feed = self.feed
        while not gone.done() and not await feed.is_over():
            # Whatever comes while we read wakes us again.
            feed.woken.clear()
            try:
                lines = await feed.lines_after(feed.after, LINES_AT_A_TIME)
            except (OSError, TimeoutError, *DatabaseError):
                log.warning("a stream could not be read on", exc_info=True)
                return
            for seq, line in lines:
                feed.after = seq
                await say(send, f"event: activity\nid: {seq}\ndata: {line}\n\n")
            if not lines and not await woken_or_gone(feed.woken, gone):
                await say(send, ":\n\n")


async def say(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def woken_or_gone(woken: asyncio.Event, gone: asyncio.Task[None]) -> bool:
    """False: nothing has happened for a while."""
    waiting = asyncio.create_task(woken.wait())
    try:
        done, _ = await asyncio.wait({waiting, gone}, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        waiting.cancel()
