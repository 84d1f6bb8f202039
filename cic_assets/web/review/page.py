"""The review page: what the program is unsure of, one entry after another, each decided with a key."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cic_assets.domain.hostile import plain_text
from cic_assets.domain.overrides import OverridesError
from cic_assets.domain.people import user_name
from cic_assets.domain.review import GoneError, Queue, ReviewBook, ReviewError, would_change
from cic_assets.web.bodies import Budget, json_body
from cic_assets.web.guard import EXCEPTION_HANDLERS, RateLimiter, WithSafeHeaders, guarded, remember_token
from cic_assets.web.late_review import LateReview
from cic_assets.web.listening import Listening
from cic_assets.web.pages import page
from cic_assets.web.review.leases import Leases
from cic_assets.web.review.pictures import Pictures
from cic_assets.web.review.shown import read_decision, shown_decision, shown_entry

MAX_BODY = 16 * 2**10
BODY_SECONDS = 10.0
MOST_HELD_BYTES = 4 * 2**20
MOST_ENTRIES = 16
"""That one request asks for, or holds twice as many of."""

_CLIENT = re.compile(r"[0-9a-f]{16,64}")
_ENTRY = re.compile(r"[a-z_]{1,32}-[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ReviewSite:
    """What is at each path below `/review`."""

    def __init__(
        self, book: ReviewBook, settings: Listening, by: str | None = None, *, leases: Leases | None = None
    ) -> None:
        """Serve the entries of a book.

        Args:
            book: what is open.
            settings: where this listens, and for whom.
            by: who decides where a browser does not say; its user where nobody else can ask.
            leases: who looks at which entry.
        """
        self._book, self._settings = book, settings
        self._by = by or (user_name() if settings.for_its_user_alone else "")
        self._pictures, self._leases = Pictures(book), leases or Leases()
        self._budget = Budget(MOST_HELD_BYTES)

    def check(self) -> None:
        """Read the tables.

        Raises:
            ReviewError: they cannot be read.
        """
        self._book.counts()

    def is_current(self) -> bool:
        """Whether the problem is still the one that this was made for."""
        return self._book.problem.is_current()

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/review", self.page),
            Route("/review/pictures/{sha256}", self.picture),
            *(
                Route(f"/review/api/{name}", self._answering(answer), methods=["POST"])
                for name, answer in {
                    "look": self._look,
                    "hold": self._hold,
                    "decide": self._decide,
                    "undo": self._undo,
                    "changes": self._changes,
                }.items()
            ),
        ]

    async def page(self, request: Request) -> Response:
        """The page itself; what is in it comes by the other paths."""
        config = {
            "queues": list(Queue),
            "by": self._by,
        }
        response = page("cic_assets.web.review", "review.html", config=config)
        remember_token(request, response, self._settings)
        return response

    async def picture(self, request: Request) -> Response:
        """A picture by its SHA-256."""
        sha256 = request.path_params["sha256"]
        copy = await self._pictures.get(sha256) if _SHA256.fullmatch(sha256) else None
        if copy is None:
            raise HTTPException(404, "this picture is not there, or not any more")
        return Response(copy, media_type="image/jpeg")

    def _answering(self, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            given = await json_body(request, MAX_BODY, BODY_SECONDS, self._budget)
            client = given.get("client")
            if not isinstance(client, str) or not _CLIENT.fullmatch(client):
                raise HTTPException(400, "client: expected 16 to 64 hexadecimal digits that a browser drew")
            return await run_in_threadpool(self._answer, answer, client, given)

        return endpoint

    def _answer(
        self, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]], client: str, given: Mapping[str, Any]
    ) -> Response:
        held = _held(given)
        try:
            self._leases.hold(client, held)
            said = answer(client, given)
            return JSONResponse({**said, "state": self._state(client, held)})
        except GoneError as error:
            return JSONResponse({"error": str(error), "gone": True}, status_code=409)
        except (ReviewError, OverridesError) as error:
            return JSONResponse({"error": str(error)}, status_code=409)
        except OSError as error:  # a full disk, a folder that is not ours to write to
            why = f"{error.filename or self._book.problem.overrides}: {error.strerror or error}"
            return JSONResponse({"error": why}, status_code=409)

    def _state(self, client: str, held: list[str]) -> dict[str, Any]:
        """What any answer ends with: what remains, and which entries the browser has to let go."""
        counts = self._book.counts()
        gone = [one for one in held if not self._book.entry(one) or self._leases.is_held_by_another(client, one)]
        return {
            "edition": self._book.edition(),
            "classes": list(self._book.problem.classes),
            "counts": counts,
            "would": {queue: would_change(queue, count) for queue, count in counts.items()},
            "unseen": self._book.unseen(),
            "mistake": self._book.mistake(),
            "gone": gone,
        }

    def _look(self, client: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Entries from a place on, which the browser has from then on."""
        queue, place, count = (
            _queue(given),
            _number(given, "place", -1, 2**31),
            _number(given, "count", 1, MOST_ENTRIES),
        )

        def leave(entry: Any) -> bool:
            return self._leases.is_held_by_another(client, entry.id)

        look = self._book.before if given.get("back") is True else self._book.after
        found = look(queue, place, count, leave)
        self._leases.add(client, [one.entry.id for one in found])
        shown = [shown_entry(one, self._book) for one in found if not leave(one.entry)]
        return {"entries": shown}

    def _hold(self, _client: str, _given: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing but the state."""
        return {}

    def _decide(self, client: str, given: Mapping[str, Any]) -> dict[str, Any]:
        entry, answer = _text(given, "entry"), _text(given, "answer")
        if self._leases.is_held_by_another(client, entry):
            raise GoneError("somebody else looks at it")
        said = self._book.decide(entry, answer, by=self._who(given), at=datetime.now(UTC))
        return {"said": shown_decision(said)}

    def _undo(self, client: str, given: Mapping[str, Any]) -> dict[str, Any]:
        said, entry = read_decision(given.get("said")), _text(given, "entry")
        if said is None:
            raise HTTPException(400, "said: expected a decision as it was answered")
        self._book.undo(said, by=self._who(given), at=datetime.now(UTC))
        found = self._book.entry(entry)
        if found is None or self._leases.is_held_by_another(client, entry):
            return {"entry": None}
        self._leases.add(client, [entry])
        return {"entry": shown_entry(found, self._book)}

    def _changes(self, _client: str, _given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            changes = self._book.changes()
        except OverridesError as error:
            return {"lines": [], "follows": "", "error": str(error)}
        return {"lines": changes.lines, "follows": changes.follows, "error": ""}

    def _who(self, given: Mapping[str, Any]) -> str:
        name = given.get("by")
        by = plain_text(name, 60) if isinstance(name, str) else ""
        if not (by or self._by):
            raise ReviewError("say who you are: your name stands beside each decision")
        return by or self._by


def build_review_app(site: ReviewSite | LateReview, settings: Listening) -> ASGIApp:
    """The page as an ASGI app of its own."""

    async def home(request: Request) -> Response:
        response = RedirectResponse(f"review?{query}" if (query := request.url.query) else "review")
        remember_token(request, response, settings)
        return response

    app = Starlette(
        routes=[Route("/", home), *site.routes()],
        middleware=guarded(settings, RateLimiter(settings.rate)),
        exception_handlers=EXCEPTION_HANDLERS,
    )
    return WithSafeHeaders(app)


def _held(given: Mapping[str, Any]) -> list[str]:
    held = given.get("hold", [])
    if isinstance(held, list) and len(held) <= 2 * MOST_ENTRIES:
        names = [one for one in held if isinstance(one, str) and _ENTRY.fullmatch(one)]
        if len(names) == len(held):
            return names
    raise HTTPException(400, f"hold: expected at most {2 * MOST_ENTRIES} names of entries")


def _queue(given: Mapping[str, Any]) -> Queue:
    try:
        return Queue(str(given.get("queue")))
    except ValueError:
        raise HTTPException(400, f"queue: expected one of {', '.join(Queue)}") from None


def _number(given: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise HTTPException(400, f"{name}: expected a number from {least} to {most}")
    return value


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise HTTPException(400, f"{name}: expected a text")
    return value
