"""Whether the report still names the versions of models that answer."""

from cic_assets.domain.evaluation.report import JSON_FILE
from cic_assets.domain.models import ModelError, versions_of
from cic_assets.storage import DataRoot, read_json


def has_other_versions(root: DataRoot) -> bool:
    """Whether a person has made another version of a model the champion since; not where there is no report."""
    path = root.report / JSON_FILE
    models = read_json(path)["models"] if path.exists() else {}
    return any(
        told.get("version") and _champion(root, name) not in (None, (told.get("answering") or told)["version"])
        for name, told in models.items()
    )


def _champion(root: DataRoot, name: str) -> str | None:
    try:
        return next((one.id for one in versions_of(root.model(name)) if one.is_champion), None)
    except ModelError:
        return None
