"""Errors as part of the interface: RFC 9457 problems with a stable `code` (docs/errors/)."""

import json

from starlette.responses import Response


class Problem(Exception):
    """An expected refusal. Any other exception becomes an `internal_error`: it is logged once, and not told."""

    def __init__(self, status: int, code: str, title: str, detail: str | None = None, retry_after_s: int | None = None):
        super().__init__(code)
        self.status, self.code, self.title = status, code, title
        self.detail, self.retry_after_s = detail, retry_after_s

    def response(self) -> Response:
        body = {"type": f"/errors/{self.code}", "title": self.title, "status": self.status, "code": self.code}
        if self.detail is not None:
            body["detail"] = self.detail
        headers = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
        if self.status == 401:
            # RFC 6750 §3: nothing is said to somebody who brought no token.
            headers["www-authenticate"] = 'Bearer error="invalid_token"' if self.code == "invalid_token" else "Bearer"
        return Response(json.dumps(body), self.status, headers, "application/problem+json")


def internal_error() -> Problem:
    return Problem(500, "internal_error", "Something went wrong on our side")


def invalid_query(detail: str) -> Problem:
    return Problem(400, "invalid_query", "A query parameter has the wrong form", detail)
