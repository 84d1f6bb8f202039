import io

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import encode_jpeg, quantization_steps

GREY = np.full((16, 24, 3), 128, np.uint8)


@pytest.mark.parametrize("quality", [10, 60, 75, 95])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "comment": b"\xff\xdb"}])
def test_steps_are_those_of_brightness_row_by_row(quality, options):
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "JPEG", quality=quality, **options)
    steps = quantization_steps(file.getvalue())
    assert list(steps) == list(Image.open(file).quantization[0])
    assert steps[0] < steps[-1]


def test_opencv_writes_the_same_as_pillow():
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "JPEG", quality=85)
    assert quantization_steps(encode_jpeg(GREY, 85)) == quantization_steps(file.getvalue())


def test_where_there_are_none_there_is_nothing():
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "PNG")
    assert quantization_steps(file.getvalue()) is None
    whole = encode_jpeg(GREY)
    assert quantization_steps(b"no picture") is None
    table = whole.index(b"\xff\xdb")
    for end in range(4, len(whole)):
        steps = quantization_steps(whole[:end])
        assert steps is None or (end > table + 64 and len(steps) == 64)
    in_words = whole[: table + 4] + b"\x10" + whole[table + 5 :]  # of 16 bits
    assert quantization_steps(in_words) is None or len(quantization_steps(in_words)) == 64
