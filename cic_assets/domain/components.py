"""Connected components: what hangs together when some pairs do."""

from collections.abc import Hashable, Iterable


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
