import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.download import DownloadSettings, examine
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.images import encode_jpeg
from cic_assets.domain.images.formats import jpeg
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore

PICTURE = encode_jpeg(np.zeros((120, 160, 3), np.uint8))


@pytest.fixture
def validator(tmp_path):
    return examine.ImageValidator(ContentStore(UPath(tmp_path)), DownloadSettings())


def test_a_header_is_read_once(validator, monkeypatch):
    seen, read = [], jpeg.read_header
    monkeypatch.setattr(jpeg, "read_header", lambda data: (seen.append(data), read(data))[1])
    kept = validator.keep(PICTURE)
    assert (kept.width, kept.height, kept.format) == (160, 120, "jpeg")
    assert seen == [PICTURE]


def test_a_shortage_of_memory_may_pass(validator, monkeypatch):
    def short(*_args, **_kwargs):
        raise MemoryError

    monkeypatch.setattr(examine, "inspect", short)
    with pytest.raises(FetchError, match="no memory was left to decode it") as caught:
        validator.keep(PICTURE)
    assert (caught.value.outcome, caught.value.may_pass) == (Outcome.ERROR, True)
