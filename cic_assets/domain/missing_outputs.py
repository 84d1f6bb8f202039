"""What Dagster cannot see: what somebody removed, and a model that had to do without weights that are here now.

Dagster judges by what it recorded. A person who deletes a folder under the data root expects it to be made again; who
chooses another version of a model, that the report names it; who takes pictures down, that models and report do without
them, even if the same pictures are back by then.
"""

from collections.abc import Collection

from upath import UPath

from cic_assets.domain import audit
from cic_assets.domain.dataset import is_complete
from cic_assets.domain.evaluation import has_empty_places, has_other_versions
from cic_assets.domain.models import champion_folder, is_whole
from cic_assets.domain.retraining import why_unusable
from cic_assets.storage import DataRoot

_TABLES = {
    "image_hashes": ["image_hashes"],
    "duplicates": ["duplicates", "bridges"],
    "deduped_images": ["deduped_images"],
    "resized_images": ["resized_images"],
    "image_features": ["image_features"],
    "dataset_audit": ["audit"],
}
"""The tables that an asset writes."""


class Remains:
    """What is left under a data root of what was materialized there."""

    def __init__(
        self,
        root: DataRoot,
        *,
        side: int,
        models: Collection[str],
        has_weights: bool,
        precisions: Collection[str] = (),
    ) -> None:
        """What is asked for.

        Args:
            root: the data root.
            side: of the resized copies, in pixels.
            models: names.
            has_weights: there are pretrained weights for those that need some.
            precisions: in which they are made beside themselves.
        """
        self._root = root
        self._copies = root.resized(side)  # one for all sources: what is in which shard is read once
        self._models = models
        self._has_weights = has_weights
        self._precisions = precisions

    def lack(self, asset: str, partition: str | None) -> bool:
        """Whether an asset must be made again although Dagster calls it fresh.

        Args:
            asset: its name.
            partition: which partition of it; None for an unpartitioned one.
        """
        if not all(self._root.has_table(table, partition) for table in _TABLES.get(asset, ())):
            return True
        if asset == "resized_images":
            return self._lacks_copies(partition)
        if asset == "training_dataset":
            return not is_complete(self._root.dataset)
        if asset == "dataset_audit":
            return self._lacks_of_audit()
        if asset == "evaluation_report":
            root = self._root
            return (
                _lacks(root.report, "report.html", "report.json") or has_empty_places(root) or has_other_versions(root)
            )
        model, _, kind = asset.rpartition("_")
        return model in self._models and self._lacks_of_model(model, kind)

    def _lacks_of_model(self, model: str, kind: str) -> bool:
        folder = self._root.model(model)
        if kind == "quantized":
            return not all(is_whole(champion_folder(folder), precision) for precision in self._precisions)
        # The data may be the same again; the predictions, of which some were removed, are not.
        return kind == "model" and why_unusable(model, folder, has_weights=self._has_weights) is not None

    def _lacks_of_audit(self) -> bool:
        """Whether there is no summary, or it counts other pictures than the table: some were taken down since."""
        summary = audit.read_summary(self._root)
        return summary is None or summary.audited != len(self._root.read_table(audit.TABLE, columns=["sha256"]))

    def _lacks_copies(self, partition: str | None) -> bool:
        named = self._root.read_table("resized_images", partition, ["sha256"])["sha256"]
        return bool(self._copies.lacking(list(named), "jpeg"))


def _lacks(folder: UPath, *files: str) -> bool:
    return not all((folder / file).exists() for file in files)
