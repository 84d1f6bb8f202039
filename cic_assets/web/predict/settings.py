"""What the server is told when it starts, and how much of anything it takes from a client."""

import os
from dataclasses import dataclass
from typing import Self

from cic_assets.web.listening import Listening, is_loopback

OTHERS_RATE = 5.0
"""Pictures a second from one address, where others can reach the server; two cores look at more than that."""


@dataclass(frozen=True, slots=True)
class ServeSettings(Listening):
    """Where to listen, for whom, and the limits.

    Attributes:
        workers: threads that decode pictures, and ask the models that several threads may share.
        most_at_once: requests with pictures under way; more are asked to come back.
        most_files: pictures in one request.
        max_upload: bytes of a picture; the default is what Reddit takes.
        max_request: bytes of a request with several.
        max_held: bytes of all requests under way, which lie in memory.
        upload_seconds: for a request to arrive: a slow sender must not hold a connection for ever.
        answer_seconds: for the models to answer, waiting included.
        watch_seconds: between two looks for new models.
        precision: of the models, see `models.PRECISIONS`.
    """

    workers: int = os.cpu_count() or 1
    most_at_once: int = 32
    most_files: int = 16
    max_upload: int = 20 * 2**20
    max_request: int = 64 * 2**20
    max_held: int = 256 * 2**20
    upload_seconds: float = 60
    answer_seconds: float = 60
    watch_seconds: float = 10
    precision: str = "float32"

    @classmethod
    def of_options(
        cls, host: str, port: int, token: str, *, workers: int | None, rate: float | None, precision: str = "float32"
    ) -> Self:
        """What a person said; None is what suits the machine, and whom it serves."""
        usual = 0 if is_loopback(host) else OTHERS_RATE
        rate, workers = usual if rate is None else rate, workers or os.cpu_count() or 1
        return cls(host, port, token, rate, workers, precision=precision)
