"""`cic serve`: what it has beside the page, and by which way it reaches others."""

import shutil

import pytest
import requests

from cic_assets_tests.cli.test_review import PROBLEM
from cic_assets_tests.domain.download.test_proxies import PUBLIC, Tunneling

pytestmark = pytest.mark.slow

TOKEN = "a-token-that-is-long-enough"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def folder(exported_root, reviewed, tmp_path):
    """Of a problem, with models and something to decide about."""
    shutil.copytree(str(exported_root.path), str(reviewed.root.path), dirs_exist_ok=True)
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    reviewed.of_each(1)
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "options", "status"),
    [({"CIC_TOKEN": TOKEN}, (), 404), ({"CIC_TOKEN": TOKEN}, ("--review",), 200), ({}, (), 200)],
)
def test_the_token_for_predictions_is_none_to_change_labels(
    folder, serving, bare_variables, variables, options, status
):
    arguments = ("serve", "--problem", "problem.yaml", *options)
    with serving(*arguments, folder=folder, variables={**bare_variables, **variables}) as server:
        server.wait("/ready")
        page = requests.get(f"{server.url}/review", headers=SHOWN, timeout=60)
        assert page.status_code == status, page.text
        home = requests.get(f"{server.url}/", headers=SHOWN, timeout=60)
        assert ("look and decide" in home.text) is (status == 200)
        body = {"client": "1" * 32, "queue": "copies", "place": -1, "count": 1}
        looked = requests.post(f"{server.url}/review/api/look", json=body, headers=SHOWN, timeout=60)
        assert looked.status_code == status


def test_a_picture_at_an_address_is_had_by_the_proxy(folder, serving, bare_variables):
    proxy = Tunneling(0, status=403)
    variables = {**bare_variables, "CIC_PROXY": f"http://127.0.0.1:{proxy.port}"}
    with serving("serve", folder=folder, variables=variables) as server:
        server.wait("/ready")
        body = {"url": f"https://{PUBLIC}/x.jpg"}
        (answer,) = requests.post(f"{server.url}/api/v1/predict", json=body, timeout=60).json()["answers"]
    proxy.close()
    assert "the proxy refuses: HTTP 403" in answer["error"]
    assert proxy.asked[0] == f"CONNECT {PUBLIC}:443 HTTP/1.1"
