"""Which picture is meant by some digits, and which are its copies, by the tables of a data root."""

from dataclasses import dataclass

from cic_assets.domain.overrides.decisions import OverridesError
from cic_assets.domain.overrides.resolving import Resolver
from cic_assets.storage import DataRoot


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was scraped.

    Attributes:
        sha256: of the file as it came.
        copies: SHA-256 of those that were verified to be the same, its own among them.
    """

    sha256: str
    copies: frozenset[str]


def find_picture(root: DataRoot, digits: str) -> Picture:
    """The picture whose SHA-256 begins with some digits.

    Raises:
        OverridesError: there is none, or there are several.
    """
    keys = root.table_partitions("image_hashes")
    tables = [root.read_table("image_hashes", key, ["sha256"]) for key in keys]
    known = Resolver(sha256 for table in tables for sha256 in table["sha256"])
    found = known.all_of([digits])
    if not found:
        raise OverridesError("\n".join(known.mistakes) or f"{digits} begins no picture under {root.url}")
    groups = root.read_table_or_none("duplicates")
    if groups is None:
        return Picture(found[0], frozenset(found))
    own = groups.loc[groups["sha256"] == found[0], "group_id"]
    return Picture(found[0], frozenset({*found, *groups.loc[groups["group_id"].isin(own), "sha256"]}))
