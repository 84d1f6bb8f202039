"""https on the public network: certificates are checked against the name that was asked for."""

import json
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

RUN = """
import json, socket, sys, tempfile
from upath import UPath
from cic_assets.domain.download import DownloadSettings, FetchRequest, download, resolvers
from cic_assets.storage import ContentStore

# No name of a test is in the Domain Name System, and no public address on this machine.
socket.getaddrinfo = lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
resolvers.why_not_public = lambda _: None
url, port = sys.argv[1], int(sys.argv[2])
settings = DownloadSettings(ports=frozenset({port}), backoff_seconds=0.01)
with tempfile.TemporaryDirectory() as folder:
    result = download([FetchRequest(url=url)], store=ContentStore(UPath(folder)), settings=settings)[url]
print(json.dumps([result.outcome, result.reason, result.attempts]))
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed one for photos.example, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "photos.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("photos.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    file = tmp_path_factory.mktemp("tls") / "photos.pem"
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(encoding))
    return file


@pytest.fixture
def fetch(certificate, tls_host, picture):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    host = tls_host(tls)
    host.handlers["*"] = host.answer(200, picture())

    def run(name, *, trusted):
        arguments = [sys.executable, "-c", RUN, f"https://{name}:{host.port}/x.jpg", str(host.port)]
        # What OpenSSL trusts is read once in a process, from the file that this names.
        environment = os.environ | ({"SSL_CERT_FILE": str(certificate)} if trusted else {})
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    return run


@pytest.mark.slow
def test_certificates_are_checked(fetch):
    assert fetch("photos.example", trusted=True) == ["ok", "", 1]
    for name, trusted in [("photos.example", False), ("other.example", True)]:
        outcome, reason, attempts = fetch(name, trusted=trusted)
        assert (outcome, attempts) == ("error", 1)
        assert "certificate verify failed" in reason.lower()
