"""The host of the download benchmark: answers every path with a photo, after a latency that is set for the run.

As little as can be called HTTP, so that the clients and not their host are measured. Run by `benchmarks/download.py`:
    python download_host.py PHOTOS_FOLDER LATENCY_MS       (prints its port, serves until it is ended)
"""

import asyncio
import sys
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


class Photos(asyncio.Protocol):
    """One connection, kept open: `GET /NUMBER.jpg` gives the photo of that number, each with bytes of its own."""

    def __init__(self, photos: list[bytes], latency: float) -> None:
        self.photos = photos
        self.latency = latency
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole; clients that wait send one at a time."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            request, _, self.received = self.received.partition(b"\r\n\r\n")
            body = self.photo(int(request.split(b" ", 2)[1].strip(b"/").removesuffix(b".jpg")))
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, HEAD % len(body) + body)

    def photo(self, number: int) -> bytes:
        """A photo that differs from all others by a comment (JPEG's COM segment), as no two uploads are alike."""
        photo = self.photos[number % len(self.photos)]
        return photo[:2] + b"\xff\xfe\x00\x0a%08d" % number + photo[2:]


async def serve(photos: list[bytes], latency: float) -> None:
    """Serve until the process is ended; `latency` in seconds."""
    server = await asyncio.get_running_loop().create_server(lambda: Photos(photos, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).iterdir())
    asyncio.run(serve([file.read_bytes() for file in files], float(sys.argv[2]) / 1000))
