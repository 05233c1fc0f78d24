"""Who calls: access tokens (RFC 9068), verified with Token Provider's public keys; and our own token for calls to others."""

import asyncio
import json
import logging
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import httpx
import jwt
from pydantic import BaseModel, Field
from starlette.datastructures import Headers

from . import APP_ID
from .problem import Problem
from .sidecar import Sidecar
from .telemetry import fields

log = logging.getLogger(__name__)

ISSUER = USER_AUDIENCE = "payme"
# Clocks of one installation differ by less.
LEEWAY_S = 5
# No token of ours comes near it.
LONGEST_TOKEN_BYTES = 8 * 1024
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# Forged key ids can't be turned into a flood of fetches.
PAUSE_BETWEEN_FETCHES_S = 5
# A key that Token Provider takes back is forgotten after this, unless Token Provider can't be asked.
MAX_AGE_S = 300


def invalid_token() -> Problem:
    """One answer for every fault of a token: a forger learns nothing."""
    return Problem(401, "invalid_token", "The access token is not valid")


Seconds = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class Claims(BaseModel):
    """A user's claims in the form that Token Provider gives them; a token of another form is not of its making."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    jti: UUID
    iat: Seconds
    exp: Seconds
    nbf: Annotated[float, Field(strict=True)] = 0
    roles: list[str] = []
    scope: str = ""
    purpose: str | None = None


class Keys:
    """Token Provider's public keys (RFC 7517), fetched through the sidecar, again when a token names one that is not there."""

    def __init__(self, sidecar: Sidecar):
        self.sidecar = sidecar
        self.keys: dict[str, jwt.PyJWK] = {}
        self.fetched_at = self.tried_at = float("-inf")
        self.failed = False
        self.fetching = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK:
        if not self.is_fresh(kid):
            # Whoever waited here for another's fetch finds its result instead of fetching again.
            async with self.fetching:
                if not self.is_fresh(kid) and time.monotonic() - self.tried_at >= PAUSE_BETWEEN_FETCHES_S:
                    await self.fetch()
        if kid in self.keys:
            return self.keys[kid]
        if self.failed:
            # It may well be a key that could not be fetched: that is no fault of the token.
            raise Problem(503, "keys_unavailable", "Tokens can't be verified right now", retry_after_s=1)
        raise invalid_token()

    def is_fresh(self, kid: str) -> bool:
        return kid in self.keys and time.monotonic() - self.fetched_at < MAX_AGE_S

    async def fetch(self) -> None:
        self.tried_at = time.monotonic()
        try:
            answer = await self.sidecar.call("GET", "token-provider", "/.well-known/jwks.json")
            self.keys = usable(answer.json()["keys"])
            self.fetched_at, self.failed = time.monotonic(), False
        except (httpx.HTTPError, ValueError, KeyError):
            log.warning("Token Provider's keys could not be fetched", exc_info=True)
            self.failed = True


def usable(keys: list[dict[str, Any]]) -> dict[str, jwt.PyJWK]:
    """Keys that say their id and an algorithm that we accept; others in the set are passed over."""
    found = {}
    for key in keys:
        if isinstance(key.get("kid"), str) and key.get("alg") in ("RS256", "ES256"):
            with suppress(jwt.PyJWTError):
                found[key["kid"]] = jwt.PyJWK(key, key["alg"])
    return found


class Identity:
    def __init__(self, sidecar: Sidecar, client_secret: str):
        self.keys = Keys(sidecar)
        self.sidecar, self.client_secret = sidecar, client_secret
        self.tokens: dict[tuple[str, str], tuple[str, float]] = {}

    async def user(self, headers: Headers, role: str) -> Claims:
        """Whose access token a request carries, if they have this role."""
        claims = await self.verify(bearer_of(headers))
        if role not in claims.roles:
            raise Problem(403, "forbidden", "This token does not grant that")
        return claims

    async def is_good(self, headers: Headers) -> bool:
        """Whether the token of a request is still valid."""
        try:
            await self.verify(bearer_of(headers))
            return True
        except Problem:
            return False

    async def verify(self, token: str) -> Claims:
        """The claims of a valid access token of a user: every check of RFC 9068 §4 and RFC 8725 is asked for here."""
        try:
            header, payload = parts(token)
            claims = Claims.model_validate(payload)
        except ValueError:
            raise invalid_token() from None
        # We know no extension. Only `kid` names a key: those that a token brings or points at are ignored.
        if header.get("typ") != "at+jwt" or "crit" in header or "b64" in header or not isinstance(header.get("kid"), str):
            raise invalid_token()
        key = await self.keys.find(header["kid"])
        try:
            jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=ISSUER,
                audience=USER_AUDIENCE,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise invalid_token() from None
        return claims

    async def bearer(self, audience: str, scope: str) -> str:
        """A token for a call to another service (RFC 6749 §4.4), renewed in the last fifth of its life."""
        token, renew_at = self.tokens.get((audience, scope), ("", 0.0))
        if time.monotonic() < renew_at:
            return token
        form = {"grant_type": "client_credentials", "audience": audience, "scope": scope}
        basic = (APP_ID, self.client_secret)
        granted = (await self.sidecar.call("POST", "token-provider", "/oauth/token", basic=basic, form=form)).json()
        self.tokens[audience, scope] = granted["access_token"], time.monotonic() + granted["expires_in"] * 4 / 5
        log.debug("a token for calls", extra=fields(audience=audience, scope=scope))
        return str(granted["access_token"])


def bearer_of(headers: Headers) -> str:
    """The token of the one `Authorization` header (RFC 6750 §2.1)."""
    shown = headers.getlist("authorization")
    if len(shown) > 1:
        # Two proxies could each take another one for the one that counts.
        raise invalid_token()
    scheme, _, token = (shown or [""])[0].partition(" ")
    token = token.lstrip(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "missing_token", "This route needs an access token")
    return token


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, not verified yet; libraries forgive more in their form than we do."""
    if len(token) > LONGEST_TOKEN_BYTES or not COMPACT.fullmatch(token):
        raise ValueError("not a compact JWS")
    header, payload, _signature = (decoded(part) for part in token.split("."))
    # As text: of bytes, Python would also take other encodings than UTF-8.
    objects = tuple(json.loads(part.decode(), object_pairs_hook=without_repeats) for part in (header, payload))
    if not all(isinstance(it, dict) for it in objects):
        raise ValueError("not an object")
    return objects[0], objects[1]


def decoded(part: str) -> bytes:
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise ValueError("two texts for the same bytes")
    return raw


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found
