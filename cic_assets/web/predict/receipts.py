"""What the server said of a picture, signed, for the client to bring back with a review: nothing need be remembered."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

MAX_RECEIPT = 8192
"""Characters; a URL of 2,048 in it is the largest part."""

_DIGEST_BYTES = hashlib.sha256().digest_size


class Receipts:
    """Signs with a key that is drawn at the server's start and ends with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def write(self, said: dict[str, Any]) -> str:
        """A receipt of a JSON object."""
        body = json.dumps(said).encode()
        return base64.urlsafe_b64encode(self._digest(body) + body).decode()

    def read(self, receipt: object) -> dict[str, Any] | None:
        """What was said; None where it is no receipt of this server."""
        if not isinstance(receipt, str) or len(receipt) > MAX_RECEIPT:
            return None
        try:
            signed = base64.urlsafe_b64decode(receipt.encode("ascii"))
        except ValueError:
            return None
        digest, body = signed[:_DIGEST_BYTES], signed[_DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(body)):
            return None
        said: dict[str, Any] = json.loads(body)
        return said

    def _digest(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)
