"""The open questions of a data root, and what becomes of an answer."""

import secrets
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from upath import UPath

from cic_assets.domain.duplicates import DuplicateSettings
from cic_assets.domain.overrides import Decisions, Label, LeaveOut, OverridesError, Said, Undo, decide, load_overrides
from cic_assets.domain.review.changes import Changes, ChangeTeller
from cic_assets.domain.review.entries import Entry, GoneError, Queue, ReviewError
from cic_assets.domain.review.openness import Decided, Named
from cic_assets.domain.review.tables import Seen, Snapshot, Tables
from cic_assets.storage import DataRoot, FileState


class Problem(NamedTuple):
    """What has to be known of a problem.

    Attributes:
        classes_by_key: the class of each of its sources, by the source's partition.
        classes: in the order of their keys on the page.
        duplicates: how alike is the same, and where decisions are kept.
        is_current: whether all this still stands so in its file.
    """

    classes_by_key: dict[str, str]
    classes: Sequence[str]
    duplicates: DuplicateSettings
    is_current: Callable[[], bool] = lambda: True

    @property
    def overrides(self) -> Path:
        """The file of decisions."""
        return self.duplicates.overrides


class Open(NamedTuple):
    """An open entry.

    Attributes:
        place: of it among all of its queue, decided or not: it stays as long as the tables do.
        entry: itself.
    """

    place: int
    entry: Entry


class ReviewBook:
    """What is open, as tables and decisions are now. Threads may share it."""

    def __init__(self, root: DataRoot, problem: Problem, *, patience: float = 0.0) -> None:
        """Look into a data root.

        Args:
            root: whose tables are read.
            problem: whose decisions count.
            patience: seconds for which tables are taken to be as they were: of a hundred sources each look costs.
        """
        self.root, self.problem = root, problem
        self._patience, self._looked_at = patience, float("-inf")
        self._tables = Tables(root, problem.duplicates, problem.classes_by_key)
        self._teller = ChangeTeller(root)
        self._overrides = FileState(UPath(problem.overrides))
        self._lock = threading.RLock()
        self._of_tables: object = ()
        self._missing: set[str] = set()
        self._is_doubtful = False
        self._of_overrides: object = ()
        self._snapshot, self._decisions = Snapshot(), Decisions()
        self._mistake = ""
        self._edition = secrets.randbelow(2**31)  # another than of the server that was here before
        self._all: dict[Queue, list[Open]] = {}
        self._named = Named(())
        self._open: dict[Queue, list[Open]] = {}
        self._by_id: dict[str, Open] = {}
        self._changes: Changes | None = None

    def edition(self) -> int:
        """Another number whenever other entries were found in the tables, and places may have changed."""
        with self._lock:
            self._refresh()
            return self._edition

    def mistake(self) -> str:
        """Why nothing can be decided: what is wrong in the file; empty where all is well."""
        with self._lock:
            self._refresh()
            return self._mistake

    def counts(self) -> dict[Queue, int]:
        """Open entries of each queue."""
        with self._lock:
            self._refresh()
            return {queue: len(self._open[queue]) for queue in Queue}

    def unseen(self) -> int:
        """Answers that people called wrong without leaving the picture."""
        with self._lock:
            self._refresh()
            return self._snapshot.unseen

    def entry(self, entry_id: str) -> Open | None:
        """An open entry; None where it is none, or none any more."""
        with self._lock:
            self._refresh()
            return self._by_id.get(entry_id)

    def after(self, queue: Queue, place: int, count: int, leave: Callable[[Entry], bool]) -> list[Open]:
        """The first open entries of a queue behind a place, without those that are to be left."""
        with self._lock:
            self._refresh()
            entries = self._open[queue]
            start = bisect_right(entries, place, key=lambda one: one.place)
            return list(islice((one for one in islice(entries, start, None) if not leave(one.entry)), count))

    def before(self, queue: Queue, place: int, count: int, leave: Callable[[Entry], bool]) -> list[Open]:
        """The last open entries of a queue before a place, without those that are to be left; the nearest first."""
        with self._lock:
            self._refresh()
            entries = self._open[queue]
            end = bisect_left(entries, place, key=lambda one: one.place)
            return list(
                islice((one for one in map(entries.__getitem__, range(end - 1, -1, -1)) if not leave(one.entry)), count)
            )

    def seen(self, sha256: str) -> Sequence[Seen]:
        """What is known of a picture of some entry, open or not; nothing where none shows it."""
        with self._lock:
            self._refresh()
            return self._snapshot.pictures.get(sha256, ())

    def changes(self) -> Changes:
        """What the next run will do of what is decided.

        Raises:
            OverridesError: decisions contradict each other.
        """
        with self._lock:
            self._refresh()
            if self._changes is None:
                self._changes = self._teller.tell(self._decisions, self._snapshot)
            return self._changes

    def decide(self, entry_id: str, answer: str, *, by: str, at: datetime) -> Said:
        """Write down an answer, at once and whole.

        Raises:
            GoneError: the entry is not open any more.
            ReviewError: it is no answer to this.
            OverridesError: the file has a mistake, or only a person can change it.
        """
        found = self.entry(entry_id)
        if found is None:
            raise GoneError("it was decided elsewhere, or its pictures are gone")
        entry = found.entry
        classes = self.problem.classes
        decision = entry.decision(answer, classes)

        def check(now: Decisions) -> None:
            # Another server, or a person by hand, may have been faster than the last look at the file.
            if not Decided(now).leaves_open(entry):
                raise GoneError("it was decided elsewhere")

        copies = entry.copies if isinstance(decision, Label | LeaveOut) else ()
        path = self.problem.overrides
        said = decide(path, decision, by=by, at=at, classes=classes, copies=copies, check=check)
        self.counts()  # known here from now on, even if somebody breaks the file
        return said

    def undo(self, said: Said, *, by: str, at: datetime) -> None:
        """Take an answer back.

        Raises:
            OverridesError: it does not stand there any more, or the file has a mistake.
        """
        decide(self.problem.overrides, Undo(said=said), by=by, at=at, classes=self.problem.classes)

    def miss(self, sha256: str) -> None:
        """Ask about a picture no more, which was not where the tables say, until they are written anew.

        They are read again, once for each such picture: it may have gone with a table that has changed since.
        """
        with self._lock:
            if sha256 not in self._missing:
                self._missing.add(sha256)
                self._is_doubtful, self._looked_at = True, float("-inf")

    def _state_of_tables(self) -> object:
        if (now := time.monotonic()) - self._looked_at < self._patience:
            return self._of_tables
        state = self._tables.state()
        self._looked_at = now
        return state

    def _refresh(self) -> None:
        of_tables, of_overrides = self._state_of_tables(), self._overrides.now()
        are_new = of_tables != self._of_tables
        if not (are_new or self._is_doubtful or of_overrides != self._of_overrides):
            return
        if are_new or self._is_doubtful:
            self._read_tables()
        if are_new:
            self._missing.clear()
        try:
            self._decisions = load_overrides(self.problem.overrides, self.problem.classes)
            self._mistake = ""
        except OverridesError as error:  # what was decided until then stays decided here
            self._mistake = str(error)
        closed = self._named.closed(self._decisions)
        self._open = {
            queue: [one for one in all_ if one.entry.id not in closed and self._missing.isdisjoint(one.entry.pictures)]
            for queue, all_ in self._all.items()
        }
        self._by_id = {one.entry.id: one for entries in self._open.values() for one in entries}
        self._changes = None
        self._of_tables, self._of_overrides, self._is_doubtful = of_tables, of_overrides, False

    def _read_tables(self) -> None:
        before = self._snapshot.entries
        try:
            self._snapshot = self._tables.read()
        except (OSError, ValueError, LookupError) as error:
            raise ReviewError(f"the tables of {self.root.url} cannot be read: {error}") from error
        entries = self._snapshot.entries
        self._all = {queue: [Open(place, one) for place, one in enumerate(entries[queue])] for queue in Queue}
        self._named = Named(one for queue in Queue for one in entries[queue])
        self._edition += any(list(entries[queue]) != list(before[queue]) for queue in Queue)
