"""Pictures that may not belong, each with the line for overrides.yaml that says so."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import yaml

from cic_assets.domain.audit import likely_label_errors, of_no_class
from cic_assets.domain.evaluation.album import Picture
from cic_assets.domain.evaluation.gallery import Shown

_UNFOLDED = 10_000


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture that a person should look at.

    Attributes:
        klass: the class of its source.
        likely: the class that it is likely of; empty for one of none.
        probability: of its own class, 0 to 1; how far it is from all others for a picture of no class.
    """

    picture: Picture
    klass: str
    likely: str
    probability: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of overrides.yaml, and the picture that it names."""

    sha256: str
    text: str


@dataclass(frozen=True, slots=True)
class Suspects:
    """A list of them.

    Attributes:
        shown: the first of them.
        section: of overrides.yaml.
        lines: of all of them.
    """

    shown: Shown[Suspect]
    section: str
    lines: list[Line]


def suspects(audited: pd.DataFrame, picture: Callable[[str], Picture], limit: int) -> Mapping[str, Suspects]:
    """Likely label errors, and pictures of no class.

    Args:
        audited: the table `audit`.
        picture: shows one by its SHA-256.
        limit: of how many of each are shown.
    """
    wrong, odd = likely_label_errors(audited), of_no_class(audited)
    return {
        "label_errors": Suspects(
            Shown(
                [
                    Suspect(picture(row["sha256"]), row["klass"], row["likely_class"], float(row["label_score"]))
                    for row in wrong.head(limit).to_dict("records")
                ],
                len(wrong),
            ),
            "labels",
            _lines(zip(wrong["sha256"], wrong["likely_class"], strict=True)),
        ),
        "off_topic": Suspects(
            Shown(
                [
                    Suspect(picture(row["sha256"]), row["klass"], "", float(row["off_topic_score"]))
                    for row in odd.head(limit).to_dict("records")
                ],
                len(odd),
            ),
            "leave_out",
            [Line(sha256, f"  {_yaml([sha256])}") for sha256 in odd["sha256"]],
        ),
    }


def _lines(named: Iterable[tuple[str, str]]) -> list[Line]:
    return [Line(sha256, f"  {_yaml({sha256: klass})}") for sha256, klass in named]


def _yaml(value: object) -> str:
    """In one line, with quotes where YAML would read a number or more into a name."""
    return str(yaml.safe_dump(value, default_flow_style=False, allow_unicode=True, width=_UNFOLDED)).strip()
