"""Models in fewer bits on disk: loaded as their cards describe them, removed where what they were made from is gone."""

from collections.abc import Collection

from pydantic import ValidationError
from upath import UPath

from cic_assets.domain.models.card import ARRAYS_FILE, CARD_FILE, GRAPH_FILE, Card, read_card, verified_files
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.domain.models.export import ExportedModel
from cic_assets.domain.models.quantization.card import PRECISIONS, QuantizedCard
from cic_assets.storage import is_local


def load_quantized(folder: UPath, precision: str, threads: int | None = None) -> tuple[ExportedModel, Card]:
    """A model in fewer bits, and the card of the model that it is, but for what was set by its own answers.

    Args:
        folder: of the model.
        precision: one of `PRECISIONS`.
        threads: as of `ExportedModel`.

    Raises:
        FileNotFoundError: there is no such model, or it was not made in this precision; the message says what to do.
        CardMismatchError: it was made from another model, or a file is not its card's.
    """
    card, where = read_card(folder), folder / precision
    again = f"materialize {card.name}_quantized, with `cic run`"
    quantized = _read(where)
    if quantized is None:
        raise FileNotFoundError(
            f"{card.name} was not made in {precision}: set prediction: {{precisions: [{precision}]}} in the problem "
            f"file, and {again}"
        )
    if quantized.made_from != source_of(card):
        raise CardMismatchError(f"{where} was made from another {card.name} than there is now: {again}")
    with verified_files(where, quantized.sha256s, again=again) as local:
        own = card.model_copy(update={"calibration": quantized.calibration, "reject": quantized.reject})
        return ExportedModel(local / GRAPH_FILE, threads), own


def quantized_cards(folder: UPath) -> list[QuantizedCard]:
    """What the model in a folder was made in, and is whole; in the order of `PRECISIONS`."""
    return [card for name in PRECISIONS if is_whole(folder, name) and (card := _read(folder / name))]


def is_whole(folder: UPath, precision: str) -> bool:
    """Whether all files of a model in fewer bits are there, and are of the model that is there now."""
    if not (folder / CARD_FILE).exists():
        return False
    where = folder / precision
    try:
        quantized, source = _read(where), source_of(read_card(folder))
    except CardMismatchError:
        return False
    if quantized is None or quantized.made_from != source:
        return False
    return all((where / name).exists() for name in quantized.sha256s)


def remove_quantized(folder: UPath, but: Collection[str] = ()) -> None:
    """Remove a model's files in fewer bits: each card first, so that no part of one passes for whole."""
    for precision in PRECISIONS:
        where = folder / precision
        if precision in but or not where.exists():
            continue
        for file in sorted(where.iterdir(), key=lambda file: file.name != CARD_FILE):
            file.unlink()
        if is_local(where):
            where.rmdir()


def source_of(card: Card) -> dict[str, str] | None:
    """SHA-256 of the files that a model in fewer bits is made from; None of one that was never exported."""
    if card.export is None:
        return None
    return {GRAPH_FILE: card.export.graph_sha256, ARRAYS_FILE: card.export.arrays_sha256}


def _read(where: UPath) -> QuantizedCard | None:
    path = where / CARD_FILE
    if not path.exists():
        return None
    try:
        return QuantizedCard.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError:
        raise CardMismatchError(f"{path} is not a card of this version: make it again, with `cic run`") from None
