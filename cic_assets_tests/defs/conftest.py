"""What tests of alerts share."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@pytest.fixture
def hook():
    """A webhook; `answer` is its status, `received` what it was sent."""

    class Hook(BaseHTTPRequestHandler):
        received: list = []  # noqa: RUF012 - one server a test
        answer = 200

        def do_POST(self):
            self.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(type(self).answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    class OfThisTest(Hook):
        received: list = []  # noqa: RUF012

    with HTTPServer(("127.0.0.1", 0), OfThisTest) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        OfThisTest.url = f"json://127.0.0.1:{server.server_port}/hook"
        yield OfThisTest
        server.shutdown()
        thread.join()
