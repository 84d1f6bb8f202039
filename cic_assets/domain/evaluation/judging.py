"""What a model's numbers are computed over, in plain words: the test pictures, or all pictures in folds. No markup."""

from collections.abc import Mapping

from cic_assets.domain.evaluation.contract import ModelPart, SeedsPart
from cic_assets.domain.evaluation.formats import count_of, percent


def judged(model: ModelPart) -> str:
    """What the numbers of a model are computed over, with how many of it there are."""
    return count_of(model.n, kind_of_pictures(model))


def kind_of_pictures(model: ModelPart) -> str:
    """What one of them is called."""
    return "picture" if in_folds(model) else "test picture"


def in_folds(model: ModelPart) -> bool:
    """Whether each picture was judged by a model that was trained without its fold."""
    return model.judged is not None and model.judged.where == "folds"


def has_source(models: Mapping[str, ModelPart], key: str) -> bool:
    """Whether any model was judged on pictures of a source."""
    return any(key in model.per_source for model in models.values())


def where(model: ModelPart) -> str:
    """Where the numbers of a model are from."""
    if not in_folds(model):
        return "test pictures"
    folds = model.judged.folds if model.judged else None
    return f"in {folds} folds" if folds else "in folds"


SEEDS = (
    "The same training on the same pictures, judged on the same ones, with other seeds: of the first weights, of the "
    "order of the pictures and of what dropout leaves out. That is what luck alone moves; which pictures happened to "
    "be judged is what the intervals are about, and they do not hold this. The first seed is the model's own: none "
    "was chosen for its number."
)


def where_of_seeds(model: ModelPart) -> str:
    """What all seeds of a model were judged on."""
    return where(model) if model.seeds and model.seeds.where == "folds" else "test pictures"


def over_seeds(seeds: SeedsPart) -> str:
    """The accuracies of all seeds."""
    if seeds.lowest == seeds.highest:
        return f"{percent(seeds.lowest)} with each"
    return f"{percent(seeds.lowest)} to {percent(seeds.highest)}"


def deviation_of_seeds(seeds: SeedsPart) -> str:
    """In hundredths of a per cent: it is small."""
    return percent(seeds.standard_deviation, 2)


def measured(models: Mapping[str, ModelPart]) -> str:
    """What the table of models is measured on, and what that means."""
    parts = list(models.values())
    units = "Intervals count units (posts, copies, scenes)."
    if not any(map(in_folds, parts)):
        first = parts[0]
        of = f" in {count_of(first.judged.units, 'unit')}" if first.judged else ""
        return f"All measured on the same {judged(first)}{of}, which no model was trained or chosen by. {units}"
    folds = (
        "In folds: all pictures are divided, and each is judged by a model that was trained in the same way on the "
        "other folds, without that picture and all that belongs to it."
    )
    if all(map(in_folds, parts)):
        return f"{folds} {units}"
    return (
        f"{folds} The others are measured on the test pictures, which no model was trained or chosen by: where models "
        f"are compared, on the pictures that both were judged on. {units}"
    )


def hang_together(model: ModelPart) -> str:
    """How many units the pictures are in, as a sentence; nothing where each picture is alone in its unit."""
    part = model.judged
    if part is None or part.units == part.pictures:
        return ""
    return (
        f" What belongs together (copies, a post, a scene) is one unit: the pictures are in "
        f"{count_of(part.units, 'unit')} of up to {part.largest_unit:,}, and count as {part.worth:,.0f} that have "
        f"nothing to do with one another."
    )
