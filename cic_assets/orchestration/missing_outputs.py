"""What Dagster cannot see: what somebody removed, and a model that had to do without weights that are here now.

Dagster judges by what it recorded. A person who deletes a folder under the data root expects the next run to make it
again; who takes pictures down, that models and report do without them, even if the same pictures are back by then.
"""

from upath import UPath

from cic_assets.config.environment import Environment
from cic_assets.config.problem import Problem
from cic_assets.domain.dataset import is_complete
from cic_assets.domain.evaluation import has_empty_places
from cic_assets.domain.models import CARD_FILE, MODEL_FILE, PREDICTIONS_FILE, CardMismatchError, read_card
from cic_assets.storage import DataRoot

_TABLES = ("image_hashes", "duplicates", "deduped_images", "resized_images")
"""Assets that are a table of their own name."""


class Remains:
    """What is left under a data root of what was materialized there."""

    def __init__(self, root: DataRoot, problem: Problem, environment: Environment) -> None:
        self._root = root
        self._problem = problem
        self._has_weights = bool(environment.xception_weights)

    def lack(self, asset: str, partition: str | None) -> bool:
        """Whether an asset must be made again although Dagster calls it fresh.

        Args:
            asset: its name.
            partition: which partition of it; None for an unpartitioned one.
        """
        if asset in _TABLES and not self._root.has_table(asset, partition):
            return True
        if asset == "duplicates":
            return not self._root.has_table("bridges")
        if asset == "resized_images":
            return self._lacks_copies(partition)
        if asset == "training_dataset":
            return not is_complete(self._root.dataset)
        if asset == "evaluation_report":
            return _lacks(self._root.report, "report.html", "report.json") or has_empty_places(self._root)
        model = asset.removesuffix("_model")
        return model != asset and model in self._problem.models and self._lacks_model(model)

    def _lacks_copies(self, partition: str | None) -> bool:
        copies = self._root.resized(self._problem.dataset.side).names()
        return not copies.issuperset(self._root.read_table("resized_images", partition)["sha256"])

    def _lacks_model(self, name: str) -> bool:
        folder = self._root.model(name)
        if _lacks(folder, CARD_FILE, MODEL_FILE, PREDICTIONS_FILE):
            return True
        try:
            card = read_card(folder)
        except CardMismatchError:
            return True
        # The data may be the same again; the predictions, of which some were removed, are not.
        return card.takedowns is not None or (self._has_weights and card.random_weights)


def _lacks(folder: UPath, *files: str) -> bool:
    return not all((folder / file).exists() for file in files)
