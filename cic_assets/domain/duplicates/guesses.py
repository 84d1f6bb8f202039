"""How two pictures may lie on each other: what their pixels are then compared by."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes
from cic_assets.domain.duplicates.candidates import Pairs
from cic_assets.domain.duplicates.crops import oriented_hashes, window_hashes
from cic_assets.domain.duplicates.descriptors import Grey
from cic_assets.domain.duplicates.glance import ALIKE, correlations
from cic_assets.domain.duplicates.looks import Looks, Positions
from cic_assets.domain.duplicates.meetings import Meetings
from cic_assets.domain.duplicates.windows import ORIENTATIONS, UPRIGHT, WHOLE, WINDOWS, Box, Guess

_GLANCED = 8  # meetings of a pair, the nearest by their hashes
_TRIED = 4  # of those that a glance does not rule out: neighbouring windows lead to the same alignment


def guesses(looks: Looks, pairs: Pairs, radius: int) -> list[list[Guess]]:
    """Of each pair what part of the one may be which part of the other, the nearest by their hashes first, each once.

    Args:
        looks: of pictures.
        pairs: (n, 2) positions: the second picture is held otherwise where that is needed. Some dozens at once take a
            third of the time that they take one by one.
        radius: bits in which their hashes may differ.
    """
    if not len(pairs):
        return []
    met, pair_of = _meetings_of(looks, pairs, radius)
    found: list[dict[Guess, None]] = [{} for _ in pairs]
    for number in np.flatnonzero(correlations(looks, met) >= ALIKE).tolist():
        pair = pair_of[number]
        found[pair][_guess(looks, met, number, int(pairs[pair, 0]))] = None
    return [list(some)[:_TRIED] for some in found]


def _meetings_of(looks: Looks, pairs: Pairs, radius: int) -> tuple[Meetings, Positions]:
    """As `meetings` of the two pictures of each pair, but only the nearest; and of which pair each is."""
    held, windows, is_bordered = _hashes_of(looks, pairs)
    # Of each pair whole and content of the one, then of the other.
    pictures, is_content = np.repeat(pairs, 2, axis=1), np.array([False, True, False, True])
    distances = np.bitwise_count(held[:, :, :, np.newaxis, np.newaxis] ^ windows[:, np.newaxis, np.newaxis])
    plain = looks.plain(pairs)
    for ours, theirs in ((0, 1), (1, 0)):
        whole = distances[:, 2 * ours, :UPRIGHT, 2 * theirs, 0]
        np.minimum(whole, np.bitwise_count(plain[:, ours] ^ plain[:, theirs, :1]), out=whole)
    left_out = radius + 1
    distances[:, :, UPRIGHT:, :, 1:] = left_out
    is_same = pictures[:, :, np.newaxis] == pictures[:, np.newaxis]
    # Where there is no border, the content is the whole once more.
    is_twice = is_content & ~np.repeat(is_bordered, 2, axis=1)
    distances.swapaxes(2, 3)[is_same | is_twice[:, :, np.newaxis] | is_twice[:, np.newaxis]] = left_out
    flat = distances.reshape(len(pairs), -1)
    nearest = np.argsort(flat, axis=1, kind="stable")[:, :_GLANCED]
    distance = np.take_along_axis(flat, nearest, axis=1)
    pair_of, place = np.nonzero(distance <= radius)
    asked, orientation, known, window = np.unravel_index(nearest[pair_of, place], distances.shape[1:])
    met = Meetings(
        pictures[pair_of, asked], is_content[asked], orientation.astype(np.uint8),
        pictures[pair_of, known], is_content[known], window.astype(np.uint8), distance[pair_of, place],
    )  # fmt: skip
    return met, pair_of


def _hashes_of(looks: Looks, pairs: Pairs) -> tuple[Hashes, Hashes, NDArray[np.bool_]]:
    """Hashes of whole and content of the one and of the other picture of pairs, and (n, 2) which have a border.

    Those of each as it is held, (n, 4, orientations), and of its windows, (n, 4, windows); the content of a picture
    without border is as its whole.
    """
    pictures, at = np.unique(pairs, return_inverse=True)
    bordered = np.isin(pictures, looks.bordered_of(pictures))
    whole, content = looks.thumbnails(pictures), looks.thumbnails(pictures[bordered], content=True)

    def of_both(hashed: Callable[[Grey], Hashes]) -> Hashes:
        found = np.repeat(hashed(whole)[:, np.newaxis], 2, axis=1)
        found[bordered, 1] = hashed(content)
        return found[at].reshape(len(pairs), 4, -1)

    return of_both(oriented_hashes), of_both(window_hashes), bordered[at].reshape(pairs.shape)


def _guess(looks: Looks, met: Meetings, number: int, one: int) -> Guess:
    """Of a meeting, from the point of view of one picture."""
    asked, known = int(met.asked[number]), int(met.known[number])
    window = WINDOWS[met.window[number]]
    held = ORIENTATIONS[met.orientation[number]]
    guess = Guess(
        _content(looks, asked, met.asked_content[number]),
        window.within(_content(looks, known, met.known_content[number])),
        held.undone(),
    )
    return guess if asked == one else guess.reversed()


def _content(looks: Looks, picture: int, is_content: bool) -> Box:
    return looks.content_box(picture) if is_content else WHOLE
