"""Connected components: what hangs together when some pairs do."""

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Components:
    """Disjoint sets (union-find) of anything hashable; what was never joined is alone."""

    def __init__(self, pairs: Iterable[tuple[Hashable, Hashable]] = ()) -> None:
        self._parents: dict[Hashable, Hashable] = {}
        self.join_all(pairs)

    def root(self, item: Hashable) -> Hashable:
        """One of the component of an item, the same for all of them until the next join."""
        parents = self._parents
        parent = parents.get(item, item)
        while parent != item:
            parents[item] = above = parents.get(parent, parent)  # halves the path for the next who asks
            item, parent = above, parents.get(above, above)
        return item

    def are_joined(self, one: Hashable, other: Hashable) -> bool:
        """Whether two are in one component."""
        return self.root(one) == self.root(other)

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make the components of two into one."""
        one, other = self.root(one), self.root(other)
        if one != other:
            self._parents[one] = other

    def join_all(self, pairs: Iterable[tuple[Hashable, Hashable]]) -> None:
        """The same for many pairs."""
        for one, other in pairs:
            self.join(one, other)


def join_labels(labels: Numbers, ones: Numbers, others: Numbers) -> Numbers:
    """The same for millions of items that are numbers from 0: of each the smallest number that it hangs together with.

    Args:
        labels: (N,) of an earlier call, or each its own number.
        ones: (P,) of some pairs the one item each.
        others: (P,) the others.
    """
    labels = labels.copy()
    while True:
        ones, others = labels[ones], labels[others]
        are_apart = ones != others
        if not are_apart.any():
            return labels
        ones, others = ones[are_apart], others[are_apart]
        np.minimum.at(labels, np.maximum(ones, others), np.minimum(ones, others))
        while not np.array_equal(above := labels[labels], labels):
            labels = above
