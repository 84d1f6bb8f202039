"""Where a server listens, and for whom."""

import ipaddress
from dataclasses import dataclass, field

REVIEW_PORT = 8001
"""Where `cic review` listens unless told: beside `cic serve`."""

SHORTEST_TOKEN = 16
"""Characters. Six random bits each are 96 bits, which nobody guesses."""

_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, not bound to
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Listening:
    """An address, and what those must show who ask there.

    Attributes:
        host: the address to listen at.
        port: of it.
        token: what clients must show; empty for none.
        rate: requests or pictures a second that one address may send; 0 for any number.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default="", repr=False)
    rate: float = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names by which browsers may ask for it: another site's name that leads here is none of them."""
        return ("*",) if self.host in _ANYWHERE else (*_LOOPBACK, self.host)

    @property
    def for_this_machine_alone(self) -> bool:
        """Whether nobody else can reach it."""
        return is_loopback(self.host)

    @property
    def for_its_user_alone(self) -> bool:
        """Whether who asks is the user of this machine: where there is a token, a proxy may ask for anybody."""
        return self.for_this_machine_alone and not self.token

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
