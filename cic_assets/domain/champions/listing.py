"""The versions of models with what a person asks about each."""

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.evaluation import share_interval
from cic_assets.domain.models import PICTURES_FILE, PREDICTIONS_FILE, Decision, Version, read_record, versions_of
from cic_assets.storage import DataRoot


class ListedVersion(BaseModel):
    """One version of a model."""

    model_config = ConfigDict(frozen=True)

    model: str = Field(description="its name")
    version: str = Field(description="its id")
    champion: bool = Field(description="it answers")
    trained_at: str | None = Field(description="ISO 8601, UTC; null of one from before it was noted")
    data_version: str = Field(description="of the data set that it was trained on")
    pictures: int | None = Field(description="of that data set; null of one from before it was noted")
    right: int = Field(description="of the test pictures of then, those that it named rightly")
    n: int = Field(description="test pictures of then, but for those that were taken down since")
    accuracy: float | None = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval, over units")
    flops: int = Field(description="operations for one picture")
    disk_bytes: int = Field(description="of model.keras")
    taken_down: int = Field(description="pictures that it has seen and that were taken down since")
    decision: Decision | None = Field(description="the last that was made about it")


def list_versions(root: DataRoot) -> list[ListedVersion]:
    """Every version of every model, by the name of the model, the newest first.

    Raises:
        ModelError: a champion's card is not of this version of the program.
    """
    folders = [folder for folder in sorted(root.models.glob("*")) if folder.is_dir()]
    manifest = root.dataset / "manifest.parquet"
    units: dict[str, str] = {}
    if manifest.exists():
        with manifest.open("rb") as file:
            table = pd.read_parquet(file)
        units = dict(zip(table["sha256"], table.get("unit_id", table["sha256"]), strict=True))
    return [
        _listed(folder.name, version, read_record(folder).decisions, units)
        for folder in folders
        for version in versions_of(folder)
    ]


def _listed(name: str, version: Version, decisions: list[Decision], units: dict[str, str]) -> ListedVersion:
    card, answers = version.card, _table(version, PREDICTIONS_FILE)
    test = answers[answers["split"] == "test"]
    right = (test["predicted"] == test["klass"]).to_numpy()
    unit = test["sha256"].map(lambda sha256: units.get(sha256, sha256))
    pictures = _table(version, PICTURES_FILE)
    return ListedVersion(
        model=name,
        version=version.id,
        champion=version.is_champion,
        trained_at=card.trained_at,
        data_version=card.data_version,
        pictures=len(pictures) or None,
        right=int(right.sum()),
        n=len(test),
        accuracy=float(right.mean()) if len(test) else None,
        accuracy_ci=share_interval(right, pd.factorize(unit)[0]),
        flops=card.measures.flops,
        disk_bytes=card.measures.disk_bytes,
        taken_down=card.takedowns.count if card.takedowns else 0,
        decision=next((one for one in reversed(decisions) if one.version == version.id), None),
    )


def _table(version: Version, name: str) -> pd.DataFrame:
    """Without rows where the file is not there."""
    try:
        with (version.folder / name).open("rb") as file:
            return pd.read_parquet(file)
    except FileNotFoundError:
        return pd.DataFrame({column: [] for column in ("sha256", "split", "klass", "predicted")}, dtype=object)
