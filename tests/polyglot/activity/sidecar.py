"""The service's own Dapr sidecar: calls to other services and secrets, over plain HTTP."""

import asyncio
import hmac
import logging

import httpx
from starlette.requests import Request

from .config import required
from .problem import Problem
from .telemetry import CURRENT

# Longer than Dapr's own resiliency policies, so that theirs decide.
CALL_TIMEOUT_S = 10
START_TIMEOUT_S = 60


class Sidecar:
    def __init__(self) -> None:
        self.app_token = required("APP_API_TOKEN").encode()
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{required('DAPR_HTTP_PORT')}",
            headers={"dapr-api-token": required("DAPR_API_TOKEN")},
            timeout=CALL_TIMEOUT_S,
            trust_env=False,
        )

    async def call(
        self,
        method: str,
        app_id: str,
        path: str,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Calls another service; an answer that is no success is an `httpx.HTTPError`."""
        headers = {"dapr-app-id": app_id}
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        if trace := CURRENT.get():
            headers["traceparent"] = str(trace)
        answer = await self.http.request(method, path, headers=headers, auth=basic, data=form)
        return answer.raise_for_status()

    async def secret_value(self, name: str) -> str:
        """The one value of a secret, under the name `value`; under the secret's own in a store whose secrets have but one."""
        answer = (await self.http.get(f"/v1.0/secrets/secretstore/{name}")).raise_for_status().json()
        if value := answer.get("value") or answer.get(name):
            return str(value)
        raise RuntimeError(f"the secret {name} has no value")

    async def ready(self) -> bool:
        """Whether it can reach its components. It does not ask about this app, which would be a circle."""
        try:
            return (await self.http.get("/v1.0/healthz/outbound")).is_success
        except httpx.HTTPError:
            return False

    async def wait(self) -> None:
        """Waits for a sidecar that is still starting; listen before, since it waits for that."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await self.ready():
                await asyncio.sleep(0.05)
        logging.getLogger(__name__).debug("the sidecar is ready")

    def assert_from_sidecar(self, request: Request) -> None:
        """Only the own sidecar, which knows `APP_API_TOKEN`, may deliver."""
        shown = request.headers.get("dapr-api-token", "").encode("latin-1")
        if not hmac.compare_digest(shown, self.app_token):
            raise Problem(403, "not_from_sidecar", "Only the sidecar may call this route")
