"""How hard a JPEG is compressed: by what its coefficients were divided (ITU T.81, B.2.4.1)."""

from cic_assets.domain.images.headers import sniff

_MARK, _DQT, _SOS, _SIDE = 0xFF, 0xDB, 0xDA, 8
_BRIGHTNESS = 0  # the number that its table has in any file that a usual encoder wrote


def quantization_steps(data: bytes) -> tuple[int, ...] | None:
    """The table of brightness of a JPEG, row by row: 64 steps, that of the mean first.

    None for another format, or where it is not to be found as usual encoders write it.
    """
    if sniff(data) != "jpeg":
        return None
    position = 2
    while position + 4 <= len(data) and data[position] == _MARK and data[position + 1] != _SOS:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if data[position + 1] == _DQT and (steps := _table(data[position + 4 : end])):
            return steps
        position = end
    return None


def _table(segment: bytes) -> tuple[int, ...] | None:
    """Of a segment, which may hold several, that of brightness, if its steps are bytes."""
    size = 1 + _SIDE * _SIDE
    for start in range(0, len(segment), size):
        if segment[start] >> 4:
            return None
        steps = segment[start + 1 : start + size]
        if segment[start] == _BRIGHTNESS and len(steps) == _SIDE * _SIDE:
            return tuple(steps[at] for at in _IN_ROWS)
    return None


def _zigzag() -> list[int]:
    """Where in the order of the file each step of the rows is."""
    order = sorted(
        ((row, column) for row in range(_SIDE) for column in range(_SIDE)),
        key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]),
    )
    place = {at: number for number, at in enumerate(order)}
    return [place[row, column] for row in range(_SIDE) for column in range(_SIDE)]


_IN_ROWS = _zigzag()
