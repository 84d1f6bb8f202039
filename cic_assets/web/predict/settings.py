"""What the server is told when it starts, and how much of anything it takes from a client."""

import ipaddress
import os
from dataclasses import dataclass, field
from typing import Self

SHORTEST_TOKEN = 16
"""Characters. Six random bits each are 96 bits, which nobody guesses."""

OTHERS_RATE = 5.0
"""Pictures a second from one address, where others can reach the server; two cores look at more than that."""

_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, not bound to
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where to listen, for whom, and the limits.

    Attributes:
        host: the address to listen at.
        port: of it.
        token: what clients must show; empty for none.
        workers: threads that decode pictures, and ask the models that several threads may share.
        rate: requests or pictures a second that one address may send; 0 for any number.
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

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default="", repr=False)
    workers: int = os.cpu_count() or 1
    rate: float = 0
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
        return cls(host, port, token, workers, rate, precision=precision)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names by which browsers may ask for it: another site's name that leads here is none of them."""
        return ("*",) if self.host in _ANYWHERE else (*_LOOPBACK, self.host)

    @property
    def for_this_machine_alone(self) -> bool:
        """Whether nobody else can reach it."""
        return is_loopback(self.host)

    def mistake(self) -> str | None:
        """Why nothing should be served like this, in a line; None where all is well."""
        if not self.token and not self.for_this_machine_alone:
            return (
                f"--host {self.host}: others could reach it: give a token of {SHORTEST_TOKEN} or more characters that "
                "they must show, by the variable CIC_TOKEN or --token"
            )
        if self.token and (len(self.token) < SHORTEST_TOKEN or not (self.token.isascii() and self.token.isprintable())):
            return f"token: expected {SHORTEST_TOKEN} or more printable ASCII characters"
        return None


def is_loopback(host: str) -> bool:
    """Whether an address, or the name `localhost`, is one that only this machine reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
