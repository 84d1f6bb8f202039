"""The review page where something is missing or slow: no window is kept busy, and no answer is lost."""

import pytest
from playwright.sync_api import expect

from cic_assets_tests.browser.reviewing import decide_with, remain, shown, written

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


def look_again(page):
    """As a window does each 20 seconds; gives the status of the answer."""
    with page.expect_response("**/review/api/hold") as answer:
        page.evaluate(LOOK_AGAIN)
    return answer.value.status


def test_a_picture_whose_bytes_are_missing_is_passed_over_and_all_is_quiet(open_page, serve, reviewed):
    missing, *others = (reviewed.suspect(score=number / 1000) for number in range(1, 4))
    reviewed.write()
    reviewed.root.images.remove(missing)
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        asked = []
        page.on("request", lambda request: asked.append(request.url) if "/pictures/" in request.url else None)
        expect(page.locator(f"figure[data-sha256='{others[0]}']")).to_be_visible()
        remain(page, "label_errors", 2)
        before = None
        while before != len(asked):  # those of the entries that come next
            before = len(asked)
            page.wait_for_timeout(3000)
        assert asked.count(f"{url}/review/pictures/{missing}") <= 2
        assert [decide_with(page, "2"), shown(page)] == [[others[0]], [others[1]]]
        written(reviewed, 1)


def test_what_is_answered_and_not_written_yet_nobody_else_gets(open_page, serve, reviewed):
    names = [reviewed.suspect(score=number / 1000) for number in range(1, 7)]
    reviewed.write()
    with serve() as url:
        one, slow = open_page(f"{url}/review#label_errors"), []
        one.route("**/review/api/decide", lambda route: slow.append(route))  # noqa: PLW0108 - it sets an attribute
        for name in names[:3]:
            assert decide_with(one, "2") == [name]
        assert look_again(one) == 200
        other = open_page(f"{url}/review#label_errors")
        expect(other.get_by_text("Others look at the rest")).to_be_visible()
