"""The rule by which a new version of a model takes the champion's place, or does not, in words."""

from collections.abc import Callable
from typing import NamedTuple

from cic_assets.domain.evaluation import smallest_margin
from cic_assets.domain.models import Card, Comparison, Decision

SIGNIFICANT = 0.05
"""P-value below which one is said to be better than the other."""

ABOUT_AS_CHEAP = 1.1
"""Times the champion's operations for one picture."""


class Verdict(NamedTuple):
    """Whether a version is promoted, and why."""

    promoted: bool
    reason: str


def decide(
    new: Card,
    champion: Card,
    compared: Callable[[], Comparison | str],
    by_hand: Decision | None,
    margin: float,
) -> tuple[Verdict, Comparison | None]:
    """Whether a new version takes the place of the champion.

    Args:
        new: card of the version that was trained.
        champion: card of the one that answers.
        compared: both on the same pictures, or why that cannot be.
        by_hand: how a person made the champion what it is; None where no one did.
        margin: see `PromotionSettings`.
    """
    if without_test := _without_test(new, champion):
        return without_test, None
    comparison = compared()
    if isinstance(comparison, str):
        if by_hand:
            return Verdict(False, f"nothing can be compared, as {comparison}; {_pinned(by_hand)}"), None
        return Verdict(True, f"nothing can be compared, as {comparison}: the new version answers"), None
    verdict = _by_test(comparison, by_hand, margin)
    return Verdict(verdict.promoted, f"{verdict.reason}: {comparison_words(comparison)}"), comparison


def _without_test(new: Card, champion: Card) -> Verdict | None:
    """What counts before any number."""
    if set(new.labels) != set(champion.labels):
        return Verdict(True, "the champion knows other classes")
    if champion.takedowns and not new.takedowns:
        return Verdict(True, "the champion has seen pictures that were taken down since: it gives way in any case")
    if new.random_weights and not champion.random_weights:
        return Verdict(False, "it had to do without pretrained weights, which the champion has")
    if champion.random_weights and not new.random_weights:
        return Verdict(True, "the champion had to do without pretrained weights, which it has")
    return None


def _by_test(found: Comparison, by_hand: Decision | None, margin: float) -> Verdict:
    differ = found.p_value < SIGNIFICANT
    if differ and found.only_second < found.only_first:
        return Verdict(False, "it is worse than the champion")
    if differ:
        return Verdict(True, "it is better than the champion")
    if by_hand:
        return Verdict(False, f"it is not shown to be better than the champion; {_pinned(by_hand)}")
    return _not_worse(found, margin)


def _not_worse(found: Comparison, margin: float) -> Verdict:
    """Where neither is shown to be better."""
    points = f"{100 * margin:g} points"
    if smallest_margin(found.worth) >= margin:
        return Verdict(True, f"too few pictures to tell {points} from none, and it is not shown to be worse")
    if found.difference_ci[0] <= -margin:
        return Verdict(False, f"it may be more than {points} worse than the champion")
    if found.cost > ABOUT_AS_CHEAP:
        return Verdict(
            False, f"it is not shown to be better than the champion, and costs {found.cost:.2f} times as much"
        )
    return Verdict(True, f"it is not worse than the champion by {points}, and costs no more")


def _pinned(by_hand: Decision) -> str:
    said = f": {by_hand.reason}" if by_hand.reason else ""
    return (
        f"the champion was chosen by hand on {by_hand.at[:10]} ({by_hand.kind}{said}), and only a better one takes its "
        "place"
    )


def comparison_words(found: Comparison, first: str = "the champion", second: str = "the new version") -> str:
    """The numbers of a comparison as one sentence without an end.

    Args:
        found: the numbers.
        first: what the first is called.
        second: what the second is called.
    """
    low, high = (100 * end for end in found.difference_ci)
    worth = [f"they count as {found.worth:,.0f}"] if round(found.worth) != found.pictures else []
    skipped = [f"{found.skipped:,} more were left out"] if found.skipped else []
    more = f" ({'; '.join([*worth, *skipped])})" if worth or skipped else ""
    return (
        f"of {found.pictures:,} test pictures that neither has learned from{more}, {first} names "
        f"{found.first_right:,} rightly and {second} {found.second_right:,}, a difference of "
        f"{100 * found.difference:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, p {found.p_value:.2g}), at "
        f"{found.cost:.2f} times the operations a picture"
    )
