"""Lists that are read page by page, in both directions, by cursors as all services give them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from .problem import Problem

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None


class Paging(BaseModel):
    """Which page of a list; what a query holds beside it is for the list to say."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200, description="How many items, 50 by default.")] = 50
    cursor: str | None = None

    def place(self, key: Callable[[str], K]) -> "Place[K]":
        return Place.start() if self.cursor is None else Place.at(self.cursor, key)

    @property
    def rows(self) -> int:
        """How many to ask for: one more than the page has, to see whether another page follows in its direction."""
        return self.limit + 1

    def page(self, place: "Place[K]", rows: list[R], key: Callable[[R], K], view: Callable[[R], T]) -> Page[T]:
        more = len(rows) > self.limit
        rows = rows[-self.limit :] if place.back else rows[: self.limit]
        # There is always a page where the cursor came from.
        before = more if place.back else place.key is not None
        after = place.back or more
        return Page(
            items=[view(row) for row in rows],
            next_cursor=cursor("n", key(rows[-1])) if rows and after else None,
            previous_cursor=cursor("p", key(rows[0])) if rows and before else None,
        )


@dataclass(frozen=True)
class Place(Generic[K]):
    """Where a page lies: after the row with this key or, going back, right before it; without one, at the beginning."""

    back: bool
    key: K | None

    @classmethod
    def start(cls) -> "Place[K]":
        return cls(False, None)

    @classmethod
    def at(cls, text: str, key: Callable[[str], K]) -> "Place[K]":
        rest, _, given = text.rpartition("-")
        direction, _, written = rest.partition("-")
        try:
            if given != check(rest) or direction not in ("n", "p"):
                raise ValueError
            return cls(direction == "p", key(written))
        except ValueError:
            raise Problem(400, "invalid_cursor", "The cursor is not one that this list has given") from None


def cursor(direction: str, key: object) -> str:
    text = f"{direction}-{key}"
    return f"{text}-{check(text)}"


def check(text: str) -> str:
    """FNV-1a in 32 bits: it tells a cursor that was cut, altered or made up from one that a list has given."""
    result = 0x811C9DC5
    for byte in text.encode("utf-8", "surrogatepass"):
        result = (result ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{result:08x}"
