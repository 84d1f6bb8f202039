import base64
import re
import string
import time
from xml.etree import ElementTree as ET

import cv2
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
    measured = [figures.Measured(name, 0.8, wilson_interval(160, 200), 0.5) for name in ODD_NAMES[:3]]
    splits = {split: dict.fromkeys(ODD_NAMES, 12) for split in ("train", "validation", "test")}
    return {
        "accuracy": figures.accuracy_comparison(measured),
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
        "time of many": figures.pictures_over_time({f"class{k}": [1.6e9 + 4e6 * k, 1.7e9] for k in range(40)}),
        "one moment": figures.pictures_over_time({"car": [1.6e9], "tank": []}),
    }


@pytest.fixture(scope="module")
def drawn():
    return every_figure()


def test_all_are_whole_xml_with_nothing_to_fetch_or_run(drawn):
    for name, svg in drawn.items():
        root = ET.fromstring(standalone(svg))
        tags = {element.tag.split("}")[1] for element in root.iter()}
        assert tags <= {"svg", "g", "path", "defs", "use", "text", "clipPath", "rect", "tspan", "image"}, name
        links = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links), name
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


class Cells:
    """What a confusion matrix of `size` classes with short names shows where, in cells from the upper left corner."""

    def __init__(self, svg, size):
        elements = list(ET.fromstring(svg).iter())
        (frame,) = (element for element in elements if element.tag.endswith("rect"))
        self.corner = np.array([float(frame.get("x")), float(frame.get("y"))])
        self.cell = float(frame.get("width")) / size
        words = [element for element in elements if element.tag.endswith("text")]
        texts = [(word.text, *self.place(word)) for word in words if word.text not in {"the model said", "it was"}]
        self.columns = {text: column for text, column, row in texts if row >= size}
        self.rows = {text: row for text, column, row in texts if column < 0}
        self.texts = {}
        for text, column, row in texts:
            if column >= 0 and row < size:
                self.texts.setdefault((row, column), []).append(text)
        paths = [element for element in elements if element.tag.endswith("path") and "clip-path" in element.attrib]
        self.painted = dict(self.patch(path) for path in paths)
        for image in (element for element in elements if element.tag.endswith("image")):
            self.painted |= self.pixels(image, size)

    def place(self, text):
        """Column and row of a text, which stands on its line, a little below its middle."""
        middle = np.array([float(text.get("x")), float(text.get("y")) - 3.8])
        return np.floor((middle - self.corner) / self.cell).astype(int).tolist()

    def pixels(self, image, size):
        """(row, column) of each pixel that is not empty, and its colour and opacity; a pixel is a cell."""
        across, *skewed, down, left, top = map(float, re.findall(r"[-\d.]+", image.get("transform")))
        assert [across, down, *skewed] == pytest.approx([self.cell, self.cell, 0, 0], abs=1e-3)
        assert [left, top] == pytest.approx(self.corner, abs=1)
        (link,) = (value for key, value in image.attrib.items() if key.endswith("href"))
        rgba = cv2.imdecode(np.frombuffer(base64.b64decode(link.partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)
        assert rgba.shape == (size, size, 4)
        return {
            (row, column): ("#{2:02x}{1:02x}{0:02x}".format(*rgba[row, column]), rgba[row, column, 3] / 255)
            for row, column in np.argwhere(rgba[:, :, 3]).tolist()
        }

    def patch(self, path):
        """(row, column) of a path, and its colour and opacity."""
        corners = np.array(re.findall(r"[\d.]+", path.get("d")), float).reshape(-1, 2)
        assert np.ptp(corners, axis=0) == pytest.approx(self.cell, abs=1e-3)
        column, row = np.floor((corners.mean(axis=0) - self.corner) / self.cell).astype(int).tolist()
        colour, opacity = re.fullmatch(r"fill: (#\w+); opacity: ([\d.]+)", path.get("style")).groups()
        return (row, column), (colour, float(opacity))


def test_a_confusion_matrix_shows_its_counts_where_they_belong():
    """Rows are what a picture was, columns what the model said."""
    shown = Cells(figures.confusion([[90, 10], [2, 98]], ["car", "tank"]), 2)
    assert shown.rows == shown.columns == {"car": 0, "tank": 1}
    assert shown.texts == {
        (0, 0): ["90", "90.0%"],
        (0, 1): ["10", "10.0%"],
        (1, 0): ["2", "2.0%"],
        (1, 1): ["98", "98.0%"],
    }


@pytest.mark.parametrize(("size", "step"), [(26, 1), (50, 2)])
def test_a_confusion_matrix_of_many_classes_is_coloured_where_pictures_are(size, step):
    """Each row is another one, and none is its column: transposed, shifted or mislabelled it is another figure."""
    counts = np.diag(np.arange(size))
    counts[2, 5], counts[20, 4], counts[1, 0], counts[0, 24] = 6, 10, 3, 7
    names = string.ascii_letters[:size]
    shown = Cells(figures.confusion(counts, names), size)
    assert shown.rows == shown.columns == {names[k]: k for k in range(0, size, step)}
    assert shown.texts == {}
    shares = counts / counts.sum(axis=1, keepdims=True)
    assert shown.painted == {
        (row, column): (
            PALETTE["accent" if row == column else "bad"],
            pytest.approx(0.03 + 0.47 * shares[row, column], abs=0.5 / 255 + 1e-6),
        )
        for row, column in np.argwhere(counts).tolist()
    }


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


def test_a_dense_confusion_of_a_hundred_classes_is_quick_and_small():
    began = time.process_time()
    counts = np.random.default_rng(0).integers(0, 9, (100, 100))
    svg = figures.confusion(counts, [f"class{k}" for k in range(100)])
    assert time.process_time() - began < 5  # 22 s as shapes
    assert len(svg) < 40_000


def test_of_many_classes_bars_over_time_are_not_cut_by_class():
    posted = {f"class{k}": [1.6e9 + 4e6 * k] for k in range(40)}
    svg = figures.pictures_over_time(posted)
    texts = [element.text for element in ET.fromstring(standalone(svg)).iter() if element.text]
    assert "all classes" in texts
    assert not [text for text in texts if text.startswith("class")]
