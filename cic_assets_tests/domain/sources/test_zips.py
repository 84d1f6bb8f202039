"""Zip archives, honest and hostile: each entry ends in an outcome, and nothing is written outside the store."""

import random
import stat
import struct
import warnings
import zipfile

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import Connection, Partition, Source, SourceError, scrape
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.effort import short_or_long

MOST = 1_000_000
MUTATIONS = short_or_long(60, 400)


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def scrape_zip(tmp_path, root):
    """Scrapes `set.zip`, or a folder inside it."""

    def run(inner=""):
        partition = Partition("set", "car", Source.model_validate(f"folder:{tmp_path / 'set.zip'}{inner}"))
        settings = DownloadSettings(max_bytes=MOST)
        return scrape(partition, root, Connection("folder", None, Network.public()), RedditSettings(), settings)

    return run


@pytest.fixture
def make_zip(tmp_path):
    """Writes `set.zip` of (name or ZipInfo, bytes)."""

    def make(*entries, method=zipfile.ZIP_DEFLATED):
        with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "set.zip", "w", method) as file:
            warnings.simplefilter("ignore")  # a name that is there twice
            for name, data in entries:
                file.writestr(name, data)
        return tmp_path / "set.zip"

    return make


def outcomes(result):
    return result.table.set_index("post_id")["outcome"].to_dict()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_class_folders_in_an_archive(make_zip, scrape_zip, root, jpeg, method):
    make_zip(
        ("train/", b""),
        ("train/car/1.jpg", jpeg(1)),
        ("train/car/more/2.jpg", jpeg(2)),
        ("train/cart/3.jpg", jpeg(3)),
        ("train/tank/4.jpg", jpeg(4)),
        ("__MACOSX/train/car/._1.jpg", b"x"),
        ("train/car/.DS_Store", b"x"),
        method=method,
    )
    assert outcomes(scrape_zip()) == dict.fromkeys(
        ["train/car/1.jpg", "train/car/more/2.jpg", "train/cart/3.jpg", "train/tank/4.jpg"], "ok"
    )
    cars = scrape_zip("/train/car")
    assert outcomes(cars) == {"train/car/1.jpg": "ok", "train/car/more/2.jpg": "ok"}
    row = cars.table.set_index("post_id").loc["train/car/1.jpg"]
    assert root.images.get(row["sha256"], "jpeg") == jpeg(1)
    assert row["media_url"].endswith("/set.zip/train/car/1.jpg")


def test_backslashes_of_windows_divide_folders(make_zip, scrape_zip, jpeg):
    make_zip(("car\\1.jpg", jpeg(1)), ("tank\\2.jpg", jpeg(2)))
    assert outcomes(scrape_zip("/car")) == {"car/1.jpg": "ok"}


def test_an_unchanged_archive_is_not_read_again_even_if_it_is_packed_anew(make_zip, scrape_zip, root, jpeg):
    make_zip(("1.jpg", jpeg(1)), ("2.jpg", jpeg(2)))
    first = scrape_zip()
    again = scrape_zip()
    assert (again.version, again.fetched_bytes, again.new_rows) == (first.version, 0, 0)
    make_zip(("2.jpg", jpeg(2)), ("1.jpg", jpeg(1)), ("3.jpg", jpeg(3)), method=zipfile.ZIP_STORED)
    more = scrape_zip()
    assert (more.fetched_bytes, more.new_rows) == (len(jpeg(3)), 1)


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_hostile_names_and_links_are_rows_and_nothing_is_unpacked(make_zip, scrape_zip, tmp_path, jpeg):
    make_zip(
        ("/etc/cic.jpg", jpeg(1)),
        ("../../up.jpg", jpeg(2)),
        ("a/../../b.jpg", jpeg(3)),
        ("C:/windows.jpg", jpeg(4)),
        ("..\\back.jpg", jpeg(5)),
        (link("link.jpg"), b"/etc/passwd"),
        ("sets.zip", b"PK\3\4"),
        ("<script>.jpg", jpeg(6)),
    )
    result = scrape_zip()
    assert outcomes(result) == {
        "/etc/cic.jpg": "blocked",
        "../../up.jpg": "blocked",
        "a/../../b.jpg": "blocked",
        "C:/windows.jpg": "blocked",
        "../back.jpg": "blocked",
        "link.jpg": "skipped",
        "sets.zip": "not_an_image",
        "<script>.jpg": "ok",
    }
    assert result.table["reason"].astype(bool).sum() == 7
    assert {path.name for path in tmp_path.iterdir()} == {"set.zip", "root"}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3  # archive, table, one picture


def test_a_name_that_is_there_twice_is_two_rows(make_zip, scrape_zip, jpeg):
    make_zip(("a.jpg", jpeg(1)), ("a.jpg", jpeg(2)))
    result = scrape_zip()
    assert result.outcomes == {"ok": 2}
    assert result.table["sha256"].nunique() == 2
    assert scrape_zip().table.equals(result.table)


def test_bombs_are_not_unpacked_beyond_the_limit(make_zip, scrape_zip, jpeg):
    path = make_zip(("bomb.jpg", bytes(50_000_000)), ("liar.jpg", bytes(20_000_000)), ("good.jpg", jpeg(1)))
    # The directory lies about the size of what its second entry holds.
    data = bytearray(path.read_bytes())
    at = data.index(b"liar.jpg", data.index(b"PK\1\2")) - 46 + 24
    struct.pack_into("<I", data, at, 5000)
    path.write_bytes(bytes(data))
    assert outcomes(scrape_zip()) == {"bomb.jpg": "too_large", "liar.jpg": "too_large", "good.jpg": "ok"}


def test_entries_that_share_their_bytes_are_a_bomb(make_zip, scrape_zip, jpeg):
    path = make_zip(("1.jpg", jpeg(1)), ("2.jpg", jpeg(2)))
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    struct.pack_into("<I", data, second + 42, 0)
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"set\.zip: its entries overlap, as those of a zip bomb do"):
        scrape_zip()


@pytest.mark.parametrize(
    ("offset", "value", "outcome", "reason"),
    [
        (8, 1, "error", "encrypted: unpack the archive"),
        (10, 12, "error", "packed by method 12, expected 8"),
        (16, 77, "error", "damaged: its checksum is another"),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_row(make_zip, scrape_zip, jpeg, offset, value, outcome, reason):
    path = make_zip(("1.jpg", jpeg(1)), ("2.jpg", jpeg(2)))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + offset] = value
    path.write_bytes(bytes(data))
    rows = scrape_zip().table.set_index("post_id")
    assert rows.loc["1.jpg", "outcome"] == outcome
    assert rows.loc["1.jpg", "reason"].startswith(reason)
    assert rows.loc["2.jpg", "outcome"] == "ok"


def test_an_encrypted_archive_says_what_to_do(make_zip, scrape_zip, jpeg):
    """As `zip --encrypt` writes it: the flag in both headers, and twelve bytes more in front of the data."""
    path = make_zip(("1.jpg", jpeg(1)))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(data))
    assert scrape_zip().table["reason"][0] == "encrypted: unpack the archive with its password first"


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.99])
def test_a_cut_archive_is_an_error_that_names_it(make_zip, scrape_zip, jpeg, keep):
    path = make_zip(*((f"{number}.jpg", jpeg(number)) for number in range(5)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError, match=r"folder:.*set\.zip: is not a whole zip archive"):
        scrape_zip()


def test_a_folder_that_is_not_in_the_archive_names_those_that_are(make_zip, scrape_zip, jpeg):
    make_zip(("train/car/1.jpg", jpeg(1)), ("train/tank/2.jpg", jpeg(2)))
    with pytest.raises(SourceError, match=r"set\.zip/cars: there is no such folder .* found train/car, train/tank"):
        scrape_zip("/cars")


def test_an_archive_without_files_is_an_error(make_zip, scrape_zip):
    make_zip()
    with pytest.raises(SourceError, match=r"set\.zip: there is no such folder .* it has no folders"):
        scrape_zip()


def test_a_missing_folder_names_its_neighbours(tmp_path):
    (tmp_path / "cars").mkdir()
    partition = Partition("x", "car", Source.model_validate(f"folder:{tmp_path / 'car'}"))
    with pytest.raises(SourceError, match=r"there is no such folder: .* there are cars"):
        scrape(
            partition,
            DataRoot(str(tmp_path / "root")),
            Connection("folder", None, Network.public()),
            RedditSettings(),
            DownloadSettings(),
        )


@pytest.mark.slow
def test_mutated_archives_end_in_outcomes_or_an_error(make_zip, scrape_zip, root, jpeg):
    path = make_zip(*((f"c/{number}.jpg", jpeg(number)) for number in range(4)))
    whole, chance, refused = path.read_bytes(), random.Random(3), 0
    directory = whole.index(b"PK\1\2")
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 4])):
            start = chance.choice([0, directory, directory, len(data) - 22])
            data[chance.randrange(start, len(data))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        path.write_bytes(bytes(data))
        try:
            result = scrape_zip()
        except SourceError:
            refused += 1
        else:
            assert (result.table["reason"].astype(bool) == (result.table["outcome"] != "ok")).all()
    assert 0 < refused < MUTATIONS
