"""How open sources are asked: by whom, for what licences, and with which limits."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib.metadata import version

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.licenses import FAMILIES, SHAREABLE, License
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.pacing import Allowance, Pace, ledger_of
from cic_assets.domain.sources.errors import AllowanceUsedError, SourceError
from cic_assets.domain.sources.options import ORIGINAL
from cic_assets.domain.sources.source import Source, SourceKind

CONTACT = re.compile(r"[^@\s()<>]+@[^@\s()<>]+\.[A-Za-z]{2,}|https?://[^\s()<>/]+\.[^\s()<>]+", re.ASCII)
"""An e-mail address, or that of a page."""

NO_CONTACT = (
    "asks who runs this, for its limits are counted per contact: set CIC_CONTACT to an e-mail address of yours, or to "
    "the address of a page of yours"
)
_LONGEST_WAIT = 120
"""Seconds of a host's pause after 429; Wikimedia's are up to a minute."""
_ORIGINALS_PER_SECOND = 0.9
"""Originals of Commons have 3.4 MB on average, and Wikimedia asks for 25 Mbit/s at most."""


@dataclass(frozen=True)
class OpenAccess:
    """What a scrape of an open source needs.

    Attributes:
        network: the public internet, or the server that stands for all of it.
        contact: of the person who runs this.
        licenses: families of licences that are taken.
        sleep: waits for some seconds.
        is_counted: whether days are counted where a replay is asked too.
    """

    network: Network
    contact: str = ""
    licenses: Collection[str] = SHAREABLE
    sleep: Callable[[float], None] = time.sleep
    is_counted: bool = False

    def user_agent(self, site: str) -> str:
        """`cic_assets/VERSION (CONTACT)`, the form that Wikimedia's policy wants.

        Raises:
            SourceError: there is no contact.
        """
        if not CONTACT.fullmatch(self.contact):
            found = f" (found {self.contact!r})" if self.contact else ""
            raise SourceError(f"{site} {NO_CONTACT}{found}")
        return f"cic_assets-bot/{version('cic-assets')} ({self.contact})"

    def pace(self, service: str, per_window: int, window: float) -> Pace | None:
        """The pace of a service for this contact, over all processes; none where a replay is asked."""
        if self.network.stand_in is not None:
            return None
        return Pace(per_window, ledger_of(service, self.contact), window=window)

    def allowance(self, service: str, most: int) -> Allowance | None:
        """What may be had of a service in a day, over all processes and runs; without limit where a replay is asked."""
        if self.network.stand_in is not None and not self.is_counted:
            return None
        return Allowance(most, ledger_of(service, "day"))

    def count(self, site: str, service: str, most: int) -> None:
        """Count a question.

        Raises:
            AllowanceUsedError: those of a day are used.
        """
        allowance = self.allowance(service, most)
        if allowance and not allowance.take():
            raise AllowanceUsedError(f"{site} takes {most} questions a day, and they are asked: run it again tomorrow")

    def judged(self, medium: Medium, found: License | None) -> Medium:
        """A medium with its licence; what may not be taken is not asked for, and says why."""
        rights = medium.rights
        if found is not None:
            rights = replace(rights, license=found.id, license_version=found.version, license_url=found.url)
        medium = replace(medium, rights=rights)
        if medium.known_outcome or (found is not None and found.family in self.licenses):
            return medium
        return refused(medium, license_refusal(found.id if found else ""))

    def downloading(self, source: Source, settings: DownloadSettings) -> DownloadSettings:
        """Settings by which pictures of a source are fetched: as its site asks it."""
        changed: dict[str, object] = {"user_agent": self.user_agent(str(source))}
        changed["max_wait_seconds"] = max(settings.max_wait_seconds, _LONGEST_WAIT)
        is_original = source.kind is SourceKind.COMMONS and source.option("width") == ORIGINAL
        if is_original and self.network.stand_in is None:
            changed["per_host_per_second"] = min(
                settings.per_host_per_second or _ORIGINALS_PER_SECOND, _ORIGINALS_PER_SECOND
            )
        return settings.model_copy(update=changed)


def license_refusal(license_id: str) -> str:
    """Why nothing is taken under a licence that is not allowed, or under none."""
    return f"licence {license_id} is none of `licenses`" if license_id else "no licence that is clear"


def refused(medium: Medium, why: str) -> Medium:
    """A medium that is not asked for."""
    return replace(medium, known_outcome=Outcome.SKIPPED, reason=why)


def checked_licenses(words: Collection[str]) -> tuple[str, ...]:
    """Families of licences as a person writes them.

    Raises:
        ValueError: there is no such family.
    """
    for word in words:
        if word not in FAMILIES:
            raise ValueError(f"{word} is no licence that we know: expected some of {', '.join(FAMILIES)}")
    return tuple(dict.fromkeys(words))
