"""A service's life: listen, serve with bounds, answer probes, drain and stop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import required
from .database import Pool
from .problem import Problem, internal_error, invalid_query
from .sidecar import Sidecar
from .telemetry import CURRENT, REQUESTS, Trace, fields

log = logging.getLogger("activity")

REQUEST_TIMEOUT_S = 15
DRAIN_TIMEOUT_S = 20
PROBES = ("/healthz", "/readyz", "/metrics")
# Sidecars keep their connections; whoever closes one may meet a request that is on its way.
KEEP_ALIVE_S = 600
# More than a sidecar takes: so it is we who say what is wrong with a token that is too long.
LONGEST_HEADERS_BYTES = 2 * 1024 * 1024
# What every answer says to browsers and caches, unless a route knows better.
CAREFUL_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; sandbox",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"strict-transport-security": b"max-age=63072000; includeSubDomains",
    b"x-content-type-options": b"nosniff",
}


class Edge:
    """What every request and answer has: a trace, a line in the log, bounds and careful headers."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        trace = Trace.following(headers.get(b"traceparent", b"").decode("latin-1"))
        CURRENT.set(trace)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                # A stream goes on for as long as it likes.
                limit.reschedule(None)
                add_headers(message, trace.span_id, b"dapr-api-token" in headers)
                observe(scope, message["status"], time.perf_counter() - started)
            await send(message)

        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S) as limit:
                await self.app(scope, receive, answer)
        except TimeoutError:
            if begun:
                raise
            limit = asyncio.timeout(None)
            late = Problem(503, "timeout", "The request took too long", retry_after_s=1)
            async with limit:
                await late.response()(scope, receive, answer)
        except Exception:
            # It was logged and answered where it was met.
            if not begun:
                raise


def add_headers(message: Message, request_id: str, by_sidecar: bool) -> None:
    headers: list[tuple[bytes, bytes]] = message["headers"]
    there = dict(headers)
    headers += [(name, value) for name, value in CAREFUL_HEADERS.items() if name not in there]
    headers.append((b"x-request-id", request_id.encode()))
    # What has no content says no length of it; a stream has none to say.
    length = b"0" if message["status"] == 204 else there.get(b"content-length")
    if by_sidecar and length is not None:
        # A sidecar that dies may leave the one before it with a part of the body and the status of the whole.
        headers.append((b"payme-body-bytes", length))


def observe(scope: Scope, status: int, elapsed_s: float) -> None:
    """The route is logged as it is declared, so no identifier of a person is in it."""
    route = getattr(scope.get("route"), "path", "unmatched")
    REQUESTS.labels(scope["method"], route, status).observe(elapsed_s)
    if route not in PROBES:
        about = fields(method=scope["method"], route=route, status=status, duration_ms=elapsed_s * 1000)
        log.info("request", extra=about)


def answer_problems(api: FastAPI) -> None:
    async def problem(_: Request, error: Any) -> Response:
        return error.response()

    async def invalid(_: Request, error: Any) -> Response:
        faults = "; ".join(f"{it['loc'][-1]}: {it['msg']}" for it in error.errors())
        if any(it["loc"][0] == "path" for it in error.errors()):
            return Problem(400, "invalid_path", "A part of the path has the wrong form", faults).response()
        return invalid_query(faults).response()

    async def unmatched(_: Request, error: Any) -> Response:
        if error.status_code == 405:
            response = Problem(405, "method_not_allowed", "This path does not take this method").response()
            response.headers.update(error.headers or {})
            return response
        return Problem(404, "not_found", "There is nothing at this path").response()

    async def internal(_: Request, error: Exception) -> Response:
        log.error("internal error", exc_info=error)
        return internal_error().response()

    api.add_exception_handler(Problem, problem)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, unmatched)
    api.add_exception_handler(Exception, internal)


def answer_probes(api: FastAPI, sidecar: Sidecar, pool: Pool) -> None:
    """`/healthz` says that the process answers, `/readyz` that what it needs answers too."""

    async def alive() -> Response:
        return PlainTextResponse("alive\n")

    async def database_answers() -> bool:
        try:
            async with asyncio.timeout(2), pool.acquire() as conn:
                return await conn.fetchval("SELECT 1") == 1
        except Exception:
            return False

    async def ready() -> Response:
        by_sidecar, by_database = await asyncio.gather(sidecar.ready(), database_answers())
        status = 200 if by_sidecar and by_database else 503
        return JSONResponse({"sidecar": by_sidecar, "database": by_database}, status)

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, probe in zip(PROBES, (alive, ready, metrics), strict=True):
        api.add_api_route(path, probe, include_in_schema=False)


class Background:
    """Work beside the requests: it is told to stop after the last request is answered, and waited for."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def every(self, period_s: float, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeats `work`; what goes wrong is logged, and the next turn tries again."""

        async def repeat() -> None:
            while not await self.stops_within(period_s):
                try:
                    await work()
                except Exception:
                    log.warning("repeated work failed", extra=fields(what=what), exc_info=True)

        self.tasks.append(asyncio.create_task(repeat()))

    def beside(self, work: Awaitable[None]) -> None:
        """Work that is just cut off in the end."""

        async def run() -> None:
            task = asyncio.ensure_future(work)
            await self.stop.wait()
            task.cancel()

        self.tasks.append(asyncio.create_task(run()))

    async def stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self.stop.wait()
        except TimeoutError:
            return False


def listen() -> socket.socket:
    """Listens on `APP_PORT` of the loopback interface, or of the address `APP_HOST`: to a pod, probes come by its own. The sidecar waits
    for the port, and we for the sidecar: so the port comes first."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((os.environ.get("APP_HOST", "127.0.0.1"), int(required("APP_PORT"))))
    listener.listen(1024)
    return listener


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's way, which ends the process by the signal again: a drain that went well is a success."""
        yield


async def run(api: FastAPI, listener: socket.socket, background: Background, on_stop: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT, then answers what is under way, stops the background work and returns."""
    config = uvicorn.Config(
        Edge(api),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws="none",
        h11_max_incomplete_event_size=LONGEST_HEADERS_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_TIMEOUT_S,
    )
    server = Server(config)

    def stop() -> None:
        log.info("draining")
        server.should_exit = True
        on_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    log.info("serving", extra=fields(address=":".join(map(str, listener.getsockname()))))
    await server.serve(sockets=[listener])
    background.stop.set()
    if background.tasks:
        _, late = await asyncio.wait(background.tasks, timeout=DRAIN_TIMEOUT_S)
        if late:
            log.warning("some work was not done when the time to drain ended")
