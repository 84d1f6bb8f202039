"""How many pictures there are, counted beside the work."""

import tracemalloc

import pytest

from cic_assets.domain.prediction import count_inputs, find_inputs


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "deep/c.jpg", "deep/er/d.webp", "deep/.er/e.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "missing")
    return tmp_path


@pytest.mark.parametrize(
    "sources",
    [
        ["."], ["deep"], ["b.jpg"], ["*.jpg", "**/*.jpg"], ["d*p"], ["https://a.example/x?y=[1]"], ["missing.jpg"],
        ["a\0b"], ["*.jpg\0"], [".", "b.jpg", "-", "https://a.example/"], [],
    ],
)  # fmt: skip
def test_as_many_are_counted_as_are_found(folder, monkeypatch, sources):
    monkeypatch.chdir(folder)
    assert list(count_inputs(sources)) == list(range(1, len(list(find_inputs(sources))) + 1))


def test_counting_takes_no_memory_for_more_of_them(tmp_path):
    (tmp_path / "0").write_bytes(b"")
    for number in range(1, 5000):
        (tmp_path / str(number)).hardlink_to(tmp_path / "0")
    tracemalloc.start()
    try:
        assert sum(1 for _ in count_inputs([str(tmp_path)])) == 5000
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
