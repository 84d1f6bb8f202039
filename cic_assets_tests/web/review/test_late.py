"""The review page within the prediction page's server: made when it is asked for, under that server's rules."""

import pytest
import requests

from cic_assets.domain.review import ReviewBook
from cic_assets.web.late_review import LateReview
from cic_assets.web.predict import Panel, Panels, ServeSettings, build_app
from cic_assets.web.review import ReviewSite
from cic_assets_tests.fixtures.servers import served

TOKEN = "a-token-that-is-long-enough"
ASKED = {"client": "1" * 32, "queue": "copies", "place": -1, "count": 1}


@pytest.fixture
def serve(reviewed, make_predictor):
    def serve(make=None, **settings):
        settings, made = ServeSettings(**settings), []

        def usual():
            made.append(1)
            return ReviewSite(ReviewBook(reviewed.root, reviewed.problem), settings)

        panels = Panels.fixed(Panel([make_predictor()]))
        serve.made = made
        return served(build_app(panels, settings=settings, review=LateReview(make or usual)))

    return serve


def test_it_is_made_when_it_is_asked_for(reviewed, serve):
    reviewed.of_each(1)
    with serve() as url:
        assert "look and decide" in requests.get(f"{url}/", timeout=30).text
        assert serve.made == []
        assert requests.get(f"{url}/review", timeout=30).status_code == 200
        (entry,) = requests.post(f"{url}/review/api/look", json=ASKED, timeout=30).json()["entries"]
        name = entry["pictures"][0]["sha256"]
        assert requests.get(f"{url}/review/pictures/{name}", timeout=30).headers["content-type"] == "image/jpeg"
        assert requests.get(f"{url}/review/nothing", timeout=30).json() == {"error": "Not Found"}
        assert serve.made == [1]


def test_the_servers_token_is_asked_for(reviewed, serve):
    reviewed.of_each(1)
    with serve(token=TOKEN) as url:
        assert requests.get(f"{url}/review", timeout=30).status_code == 401
        assert requests.post(f"{url}/review/api/look", json=ASKED, timeout=30).status_code == 401
        assert serve.made == []
        session = requests.Session()
        assert session.get(f"{url}/review?token={TOKEN}", timeout=30).status_code == 200
        assert session.post(f"{url}/review/api/look", json=ASKED, timeout=30).status_code == 200


def test_why_nothing_can_be_decided_is_said_and_asked_again(serve):
    def refuse():
        raise ValueError("the demo's problem is part of the program")

    with serve(refuse) as url:
        answer = requests.get(f"{url}/review", timeout=30)
        assert answer.status_code == 404
        assert answer.json() == {"error": "nothing can be decided here: the demo's problem is part of the program"}


def test_without_it_there_is_no_such_page(make_predictor):
    with served(build_app(Panels.fixed(Panel([make_predictor()])))) as url:
        assert requests.get(f"{url}/review", timeout=30).status_code == 404
        assert "look and decide" not in requests.get(f"{url}/", timeout=30).text
