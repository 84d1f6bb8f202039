"""The demo's question asked of photographs: a problem file whose sources are categories of Wikimedia Commons."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from cic_assets.domain.sources import CategoryInfo

CATEGORIES: Mapping[str, Sequence[str]] = {
    "car": ("Volkswagen Golf II", "Ford Mustang", "Volkswagen Beetle", "Porsche 911", "Toyota Corolla", "Sports cars"),
    "tank": ("M1 Abrams", "Leopard 2", "T-72", "T-34", "M4 Sherman", "Tiger I", "Tanks in museums"),
}
"""By class. Of some models each: anybody may rename a category, so those are taken that are there."""

PICTURES = 200
"""Of each class, at most."""
WIDTH = 500
"""Of thumbnails: those that Wikimedia makes are this wide, or 960; the demo's pictures have 160."""

_HEAD = """# Written by `cic demo --photos`, from the categories that Wikimedia Commons had. Edit it: it is kept.
"""


def why_no_photos(found: Mapping[str, CategoryInfo]) -> str:
    """Why the question cannot be asked of these categories; empty where it can."""
    missing = [klass for klass, names in CATEGORIES.items() if not set(names) & set(found)]
    return f"it has none of the categories for {', '.join(missing)}" if missing else ""


def write_photos_problem(path: Path, found: Mapping[str, CategoryInfo]) -> None:
    """Write the problem file; one that is there is kept.

    Args:
        path: of the file.
        found: what Commons says of `CATEGORIES`, without those that are not there.
    """
    if path.exists():
        return
    classes = {klass: [found[name] for name in names if name in found] for klass, names in CATEGORIES.items()}
    content = {
        "name": "cars-and-tanks-photos",
        "question": "Car or tank?",
        "classes": {klass: [_source(one, PICTURES // len(some)) for one in some] for klass, some in classes.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _source(category: CategoryInfo, limit: int) -> dict[str, str | int]:
    """A category as a source; with those below it where it has too few files itself."""
    depth = {} if category.files >= limit else {"depth": 1}
    return {"commons": category.name, **depth, "width": WIDTH, "limit": limit}
