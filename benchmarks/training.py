"""What the models reach on photos that they did not see, and in what time: both variants of all three.

    python benchmarks/training.py holdout PHOTOS --models vgg peetz_net --variants modern original --seeds 0 1 2
    python benchmarks/training.py folds PHOTOS --weights xception_notop.weights.h5 --seeds 0 1 2
    python benchmarks/training.py ablation PHOTOS --models vgg --epochs 40
    python benchmarks/training.py ablation PHOTOS --models xception --weights xception_notop.weights.h5
    python benchmarks/training.py report

PHOTOS has a folder a class. `holdout` trains from scratch on four fifths of the duplicate groups and judges the other
fifth, another one for each seed. `folds` judges each photo once by Xception trained on the other four fifths, in five
folds that each seed deals anew; the frozen backbone runs once for all of them. `ablation` is `holdout`, and for
Xception `folds`, with one thing changed at a time. Each training is a line of RECORDS, and none is done twice, so that
a run that was stopped goes on; `report` makes the tables of what is there.

The settings of `modern` were chosen by such trainings on the same photos: what it reaches on others is somewhat less.

`--tag` does nothing: a name to find the process by.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from ablation import LEFT_OUT, LEFT_OUT_ON_A_BACKBONE, OTHER_NETS, Record, interval_of, with_change
from ablation import table as ablation_table
from photos import Photos, digest, folds, read_photos
from trainings import FOLDS, Features, activate_here, holdout, holdout_of_other_net, precision

from cic_assets.domain.models import ModelSettings

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cic_assets" / "benchmarks" / "training"
SIDE = 128
COLUMNS = (
    "protocol", "model", "variant", "chosen on these photos", "trained in", "side", "epochs", "trainings", "right",
    "accuracy", "interval", "CPU s a training",
)  # fmt: skip


class Records:
    """The trainings that are done, a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.all: list[Record] = [json.loads(line) for line in lines]

    def once(self, key: Record, do: Callable[[], Record]) -> Record:
        """The record with this key; `do` makes it where there is none."""
        name = digest(key)
        for record in self.all:
            if record["name"] == name:
                return record
        load = os.getloadavg()[0]
        record = {"name": name, **key, **do(), "load": [load, os.getloadavg()[0]], "at": f"{datetime.now(UTC):%F %R}"}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.all.append(record)
        print(f"{record['protocol']} {record['model']} {record['variant']} seed {record['seed']}: "
              f"{record['right']} of {record['count']}", flush=True)  # fmt: skip
        return record


def run_holdout(options: argparse.Namespace) -> None:
    """Every model, variant and seed once."""
    photos, records = _photos(options), Records(options.records)
    for seed in options.seeds:
        for model in options.models:
            for variant in options.variants:
                given = {"architecture": model, "variant": variant, **json.loads(options.settings)}
                _record_holdout(photos, records, "holdout", given, seed, options)


def run_ablation(options: argparse.Namespace) -> None:
    """Every change and seed once."""
    photos, records = _photos(options), Records(options.records)
    if "xception" in options.models:
        for change, what in LEFT_OUT_ON_A_BACKBONE.items():
            _folds(options, "ablation", with_change(json.loads(options.settings), what), change=change)
    for seed in options.seeds:
        for model in sorted({*options.models} - {"xception"}):
            given = {"architecture": model, "epochs": options.epochs, **json.loads(options.settings)}
            for change, what in LEFT_OUT.items():
                _record_holdout(photos, records, "ablation", with_change(given, what), seed, options, change=change)
            for change, net in OTHER_NETS.items():
                _record_holdout(
                    photos, records, "ablation", with_change(given, net.settings), seed, options, change=change
                )


def _record_holdout(
    photos: Photos, records: Records, protocol: str, given: Record, seed: int, options: argparse.Namespace, **more: str
) -> None:
    settings = ModelSettings.model_validate(given)
    key = {
        "protocol": protocol, "model": settings.architecture, "variant": settings.variant, "seed": seed,
        "settings": settings.model_dump(mode="json", exclude={"seed"}), **more,
    }  # fmt: skip
    work, net = options.work / digest({**key, "seed": seed}), OTHER_NETS.get(more.get("change", ""))
    records.once(
        key,
        lambda: (
            holdout_of_other_net(photos, settings, net, seed, work, options)
            if net
            else holdout(photos, settings, seed, work, options)
        ),
    )


def run_folds(options: argparse.Namespace) -> None:
    """Xception out of fold."""
    for variant in options.variants:
        _folds(options, "folds", {"variant": variant, **json.loads(options.settings)})


def _folds(options: argparse.Namespace, protocol: str, given: Record, **more: str) -> None:
    """What the backbone makes of all photos, computed once, then a training a fold and seed."""
    activate_here(options)
    photos, records = _photos(options), Records(options.records)
    settings = ModelSettings.model_validate({"architecture": "xception", **given})
    features = None
    for seed in options.seeds:
        for fold, (train, test) in enumerate(folds(photos, FOLDS, seed)):
            key = {
                "protocol": protocol, "model": "xception", "variant": settings.variant, "seed": seed, "fold": fold,
                "precision": precision(), "settings": settings.model_dump(mode="json", exclude={"seed"}), **more,
            }  # fmt: skip
            if any(record["name"] == digest(key) for record in records.all):
                continue
            features = features or Features(photos, settings, options)
            records.once(key, lambda: features.judge(train, test, seed))  # noqa: B023 - called at once


def _photos(options: argparse.Namespace) -> Photos:
    return read_photos(options.photos, SIDE, options.work / "pictures")


def report(options: argparse.Namespace) -> None:
    """Write the tables of what is in the records."""
    records = Records(options.records).all
    lines = [
        "# Training",
        "",
        _about(records) if records else "No training of `benchmarks/training.py` is on record yet.",
        "",
        *_accuracy_table(records),
        *ablation_table(records),
        (HERE / "results" / "training_notes.md").read_text(encoding="utf-8"),
    ]
    options.output.write_text("\n".join(lines), encoding="utf-8")


def _about(records: list[Record]) -> str:
    loads = [load for record in records for load in record["load"]]
    return (
        f"`benchmarks/training.py`, {platform.machine()}, {os.cpu_count()} cores; records up to "
        f"{max(record['at'] for record in records)} UTC. Load averages were {min(loads):.0f} to {max(loads):.0f}, so "
        "CPU seconds count here, not wall seconds. Intervals are Wilson's, 95 %, of the accuracy over as many answers "
        "as there are different photos: three seeds' answers of one photo are no three photos. That settings were "
        "chosen on these photos is not in them."
    )


def _accuracy_table(records: list[Record]) -> Iterator[str]:
    table = pd.DataFrame([record for record in records if record["protocol"] in ("holdout", "folds")])
    if table.empty:
        return
    table["digest"] = table["settings"].map(digest)
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    keys = ["protocol", "model", "variant", "precision", "digest"]
    for (*names, _), rows in table.groupby(keys, sort=False):
        right, count, given = int(rows["right"].sum()), int(rows["count"].sum()), rows["settings"].iloc[0]
        interval = interval_of(rows.to_dict("records"))
        cells = [
            *names[:3], "yes" if names[2] == "modern" else "no", names[3], given["input_size"], given["epochs"],
            len(rows), f"{right} of {count}", f"{right / count:.1%}",
            f"{interval.low:.1%} to {interval.high:.1%}", f"{rows['cpu_seconds'].mean():.0f}",
        ]  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, do in (("holdout", run_holdout), ("folds", run_folds), ("ablation", run_ablation)):
        command = commands.add_parser(name)
        command.set_defaults(do=do)
        command.add_argument("photos", type=Path)
        command.add_argument("--models", nargs="+", default=["vgg", "peetz_net"])
        command.add_argument("--variants", nargs="+", default=["modern"])
        command.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
        command.add_argument("--epochs", type=int, default=40, help="of the ablation")
        command.add_argument("--settings", default="{}", help="JSON over the models' settings")
        command.add_argument("--weights", help="Xception's")
        command.add_argument("--threads", type=int, default=2)
        command.add_argument("--work", type=Path, default=CACHE)
        command.add_argument("--records", type=Path, default=CACHE / "records.jsonl")
        command.add_argument("--tag")
    tables = commands.add_parser("report")
    tables.set_defaults(do=report)
    tables.add_argument("--records", type=Path, default=CACHE / "records.jsonl")
    tables.add_argument("--output", type=Path, default=HERE / "results" / "training.md")
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
