"""Broken on purpose: pictures and answers with bytes changed, cut, doubled and swapped end in an outcome."""

import asyncio
import random
import resource
import time
from collections import Counter

import pytest
from upath import UPath

from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
from cic_assets.domain.download.examine import ImageValidator
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore
from cic_assets_tests.fixtures.effort import short_or_long

PICTURES = short_or_long(1000, 10_000)
ANSWERS = short_or_long(300, 2000)
FORMATS = ("jpeg", "png", "gif", "webp", "bmp", "tiff")
LIMITS = DownloadSettings().limits.model_copy(update={"max_pixels": 4_000_000})


def mutated(data: bytes, chance: random.Random, changes: tuple[int, ...] = (1, 1, 2, 4, 8)) -> bytes:
    """A few changes of the kinds that find bugs in parsers: flipped bits, extreme numbers, cuts, repeats, moves."""
    changed = bytearray(data)
    for _ in range(chance.choice(changes)):
        # Headers are where the decisions are made.
        end = len(changed) if chance.random() < 0.4 else min(len(changed), 120)
        at = chance.randrange(max(1, end))
        length = chance.choice([1, 2, 4, 16, 200])
        piece = bytes(changed[at : at + length])
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[at : at + length] = chance.choice([b"\xff", b"\x00", b"\x7f", b"\x80"]) * len(piece)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = piece * chance.choice([1, 2, 100])
            case 4:
                changed[at:at] = chance.randbytes(length)
            case 5:
                del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)


@pytest.mark.slow
def test_mutated_pictures_end_in_an_outcome(tmp_path, picture, caplog):
    """Through all that a body goes through: no crash, no hang, no memory beyond the cap."""
    chance = random.Random(7)
    options = {"jpeg": [{}, {"progressive": True}], "png": [{}, {"bits": 4}], "webp": [{}, {"lossless": True}]}
    originals = [
        picture(number, size, image_format, **more)
        for image_format in FORMATS
        for more in options.get(image_format, [{}])
        for number, size in enumerate([(120, 100), (161, 233)])
    ]
    validator = ImageValidator(ContentStore(UPath(tmp_path)), DownloadSettings(limits=LIMITS))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(PICTURES):
        data = mutated(originals[number % len(originals)], chance)
        started = time.perf_counter()
        try:
            validator.keep(data)
            outcomes["ok"] += 1
        except FetchError as failure:
            outcomes[failure.outcome] += bool(failure.reason)
        slowest = max(slowest, time.perf_counter() - started)
    assert outcomes.total() == PICTURES
    assert slowest < 5
    # 4 million pixels at some 20 bytes each, and what the decoders keep for themselves.
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 250
    assert {"ok", "not_an_image", "truncated", "error"} <= outcomes.keys()
    assert "unforeseen" not in caplog.text


@pytest.mark.slow
def test_mutated_answers_end_in_an_outcome(host, store, picture, caplog):
    """Heads and bodies that are nearly HTTP, over real connections."""
    chance = random.Random(8)
    body = picture()
    length = b"Content-Length: %d\r\n" % len(body)
    answers = [
        (b'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: "x"\r\n' + length, body),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        (b"HTTP/1.1 200 OK\r\n", body),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Robots-Tag: noai\r\n" + length, body),
        (b"HTTP/1.1 302 Found\r\nLocation: http://a.example/next\r\nContent-Length: 0\r\n", b""),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n", b""),
    ]

    async def nearly(_headers, writer):
        head, rest = chance.choice(answers)
        writer.write(mutated(head, chance, changes=(0, 1, 1, 2)) + b"\r\n" + rest)
        await asyncio.sleep(0)
        writer.close()

    host.handlers["*"] = nearly
    results = download(
        [FetchRequest(url=f"http://h{number % (ANSWERS // 5)}.example/{number}") for number in range(ANSWERS)],
        store=store,
        settings=DownloadSettings(
            answer_seconds=1, grace_seconds=1, retries=1, backoff_seconds=0.01, host_failures=10**6
        ),
        network=Network.replay("127.0.0.1", host.port),
    )
    outcomes = Counter(result.outcome for result in results.values())
    assert outcomes.total() == ANSWERS
    assert outcomes[Outcome.OK] > ANSWERS / 20
    assert "unforeseen" not in caplog.text
    assert set(outcomes) >= {Outcome.OK, Outcome.HTTP_ERROR, Outcome.ERROR, Outcome.SKIPPED}
