import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from cic_assets.domain.evaluation import figures
from cic_assets.domain.evaluation.calibration import reliability
from cic_assets.domain.evaluation.statistics import wilson_interval
from cic_assets.domain.evaluation.svg import PALETTE, standalone, themed

ODD_NAMES = ["a$b$", "<script>", "&amp;", "ключ", "豹", "x" * 40]
HISTORY = [
    {"epoch": n, "loss": 1 / n, "accuracy": 0.5 + n / 20, "val_loss": 1.1 / n, "val_accuracy": 0.5 + n / 25}
    for n in range(1, 8)
]


def every_figure():
    rng = np.random.default_rng(0)
    table, truth = rng.dirichlet([0.4, 0.4], 200), rng.integers(0, 2, 200)
    measured = [figures.Measured(name, 0.8, wilson_interval(160, 200)) for name in ODD_NAMES[:3]]
    splits = {split: dict.fromkeys(ODD_NAMES, 12) for split in ("train", "validation", "test")}
    return {
        "accuracy": figures.accuracy_comparison(measured, 0.5),
        "curves": figures.learning_curves(HISTORY, 5),
        "curves of one epoch": figures.learning_curves(HISTORY[:1]),
        "confusion": figures.confusion([[99, 1], [2, 98]], ["car", "tank"]),
        "confusion of six": figures.confusion(rng.integers(0, 9, (6, 6)), ODD_NAMES),
        "confusion of many": figures.confusion(np.eye(40, dtype=int) * 7, [f"class{k}" for k in range(40)]),
        "confusion without pictures": figures.confusion(np.zeros((2, 2), int), ["car", "tank"]),
        "reliability": figures.reliability_diagram(reliability(table, truth)),
        "balance": figures.class_balance(splits, ODD_NAMES),
        "balance of nothing": figures.class_balance({"train": {"car": 0}}, ["car"]),
        "time": figures.pictures_over_time({"car": [1.6e9, 1.61e9, 1.7e9], "tank": [1.65e9]}),
        "one moment": figures.pictures_over_time({"car": [1.6e9], "tank": []}),
    }


@pytest.fixture(scope="module")
def drawn():
    return every_figure()


def test_all_are_whole_xml_with_nothing_to_fetch_or_run(drawn):
    for name, svg in drawn.items():
        root = ET.fromstring(standalone(svg))
        tags = {element.tag.split("}")[1] for element in root.iter()}
        assert tags <= {"svg", "g", "path", "defs", "use", "text", "clipPath", "rect", "tspan"}, name
        links = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("href")]
        assert all(link.startswith("#") for link in links), name
        assert "metadata" not in svg


def test_they_are_small(drawn):
    assert {name: len(svg) for name, svg in drawn.items() if len(svg) > 30_000} == {}


def test_the_same_numbers_give_the_same_bytes(drawn):
    assert every_figure() == drawn


def test_texts_are_text_and_names_are_no_markup(drawn):
    texts = [element.text for element in ET.fromstring(standalone(drawn["confusion of six"])).iter() if element.text]
    assert set(ODD_NAMES[:-1]) <= set(texts)
    assert "x" * 15 + "…" in texts
    assert "<script>" not in drawn["confusion of six"]


def test_a_confusion_matrix_shows_its_counts(drawn):
    texts = [element.text for element in ET.fromstring(standalone(drawn["confusion"])).iter()]
    assert {"99", "1", "2", "98", "99.0%", "2.0%"} <= set(texts)


def test_inlined_they_take_the_colours_of_the_page(drawn):
    for name, svg in drawn.items():
        inlined = themed(svg)
        assert not [colour for colour in PALETTE.values() if colour in inlined], name
        assert set(re.findall(r"#[0-9a-f]{6}\b", inlined)) == set(), name
        assert set(re.findall(r"var\(--(\w+)\)", inlined)) <= set(PALETTE)


def test_inlined_beside_each_other_their_ids_do_not_clash(drawn):
    meaning = {}
    for svg in drawn.values():
        for found in re.finditer(r'<(?:path|clipPath) id="([^"]+)"(.*?)(?:/>|</clipPath>)', svg):
            assert meaning.setdefault(found[1], found[2]) == found[2]


@pytest.mark.parametrize(("days", "unit"), [(3, "2020-09-13"), (300, "2020-09"), (4000, "2020")])
def test_time_is_cut_by_what_tells_most(days, unit):
    svg = figures.pictures_over_time({"car": [1.6e9, 1.6e9 + 86400 * days]})
    texts = [element.text for element in ET.fromstring(standalone(svg)).iter()]
    assert unit in texts
