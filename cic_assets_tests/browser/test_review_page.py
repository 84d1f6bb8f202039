"""The review page, used as people use it: with the keyboard alone, by two at once, on a telephone."""

import pytest
from playwright.sync_api import expect

from cic_assets.domain.overrides import Different, Label, LeaveOut, Same, decide
from cic_assets.domain.review import Queue, ReviewBook
from cic_assets.web.review import Leases
from cic_assets_tests.browser.pages import SIZES
from cic_assets_tests.browser.reviewing import NAMES, decide_with, remain, shown, written
from cic_assets_tests.domain.review.test_book import NOON

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TOKEN = "a-token-that-is-long-enough"


def test_each_queue_is_worked_through_with_the_keyboard_alone(open_page, serve, reviewed, tmp_path):
    reviewed.of_each(3)
    reviewed.overrides.write_text("# my own words\nkeep: []  # nothing yet\n")
    with serve() as url:
        page = open_page(f"{url}/review")
        expect(page.get_by_role("heading", name="Which class is it?")).to_be_visible()
        page.screenshot(path=tmp_path / "conflict.png")
        one, other = decide_with(page, "2")
        conflict = decide_with(page, "0")
        parted = decide_with(page, "d")
        expect(page.get_by_text("Nothing is open here")).to_be_visible()
        page.keyboard.press("]")
        expect(page.get_by_role("heading", name="Which class is it really?")).to_be_visible()
        errors = [decide_with(page, key)[0] for key in ("1", "3", "x")]
        page.keyboard.press("]")
        odd = [decide_with(page, key)[0] for key in ("n", "0", "1")]
        page.keyboard.press("]")
        pairs = [decide_with(page, key) for key in ("s", "d", "0")]
        page.keyboard.press("]")
        brought = [decide_with(page, key)[0] for key in ("1", "2", "x")]
        expect(page.get_by_text("Nothing is open here")).to_be_visible()
        said = written(reviewed, 15)
        expect(page.locator("#changes")).to_contain_text("4 pictures leave the data set")
        for queue in NAMES:
            remain(page, queue, 0)
    assert set(said) == {
        Label(one, "tank"), LeaveOut(conflict[0]), Different(*parted),
        Label(errors[0], "car"), Label(errors[1], "bus"), LeaveOut(errors[2]),
        LeaveOut(odd[0]), LeaveOut(odd[1]), Label(odd[2], "car"),
        Same(*pairs[0]), Different(*pairs[1]), LeaveOut(pairs[2][0]),
        Label(brought[0], "car"), Label(brought[1], "tank"), LeaveOut(brought[2]),
    }  # fmt: skip
    assert other not in reviewed.overrides.read_text()
    text = reviewed.overrides.read_text()
    assert text.startswith("# my own words\nkeep: []  # nothing yet\n")
    assert text.count(", by anna, ") == 15


def test_answers_are_taken_back_one_by_one(open_page, serve, reviewed):
    reviewed.of_each(2)
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        first = decide_with(page, "2")
        page.keyboard.press("[")
        pair = decide_with(page, "1")
        written(reviewed, 2)
        page.keyboard.press("u")
        expect(page.locator(f"figure[data-sha256='{pair[0]}']")).to_be_visible()
        page.keyboard.press("u")
        expect(page.locator(f"figure[data-sha256='{first[0]}']")).to_be_visible()
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        for queue in NAMES:
            remain(page, queue, 2)
        assert not reviewed.overrides.exists()
        page.keyboard.press("u")
        expect(page.get_by_role("status")).to_have_text("There is nothing to take back.")


def test_who_reloads_goes_on_where_they_were_and_can_still_take_back(open_page, serve, reviewed):
    reviewed.of_each(5)
    with serve() as url:
        page = open_page(f"{url}/review#off_topic")
        decided = decide_with(page, "0")
        later = decide_with(page, "l")
        here = shown(page)
        written(reviewed, 1)
        page.reload()
        expect(page.get_by_role("heading", name="Is it of a class at all?")).to_be_visible()
        assert shown(page) == here
        remain(page, "off_topic", 4)
        page.keyboard.press("ArrowLeft")
        expect(page.locator(f"figure[data-sha256='{later[0]}']")).to_be_visible()
        page.keyboard.press("u")
        expect(page.locator(f"figure[data-sha256='{decided[0]}']")).to_be_visible()
        assert not reviewed.overrides.exists()


def test_arrows_go_there_and_back_and_around(open_page, serve, reviewed):
    names = [reviewed.suspect(score=number / 1000) for number in range(12)]
    reviewed.write()
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        for name in [*names, names[0], names[1]]:
            expect(page.locator(f"figure[data-sha256='{name}']")).to_be_visible()
            page.keyboard.press("ArrowRight")
        for name in (names[2], names[1], names[0]):
            expect(page.locator(f"figure[data-sha256='{name}']")).to_be_visible()
            page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("status")).to_have_text("This is the first.")
    assert not reviewed.overrides.exists()


def test_two_see_different_entries_and_what_one_decides_vanishes_for_the_other(open_page, serve, reviewed):
    names = {reviewed.suspect(score=number / 1000) for number in range(14)}
    reviewed.write()
    with serve() as url:
        one, other = (open_page(f"{url}/review#label_errors") for _ in range(2))
        seen = []
        for key in "12312":
            assert shown(one) != shown(other)
            seen += decide_with(one, key)
            seen += decide_with(other, key)
        assert len(set(seen)) == 10
        written(reviewed, 10)
        one.reload()  # whoever goes leaves the rest to others
        left = names - set(seen)
        for page in (one, other):
            remain(page, "label_errors", 4)
        one.close()
        for _ in range(4):
            left -= set(decide_with(other, "2"))
        assert left == set()
        expect(other.get_by_text("Nothing is open here")).to_be_visible()


def test_of_two_servers_each_decides_an_entry_once(open_page, serve, reviewed):
    name, following = reviewed.suspect(score=0.001), reviewed.suspect(score=0.002)
    reviewed.write()
    with serve() as first, serve() as second:
        one, other = open_page(f"{first}/review#label_errors"), open_page(f"{second}/review#label_errors")
        assert shown(one) == shown(other) == [name]
        decide_with(one, "2")
        assert written(reviewed, 1) == [Label(name, "tank")]
        decide_with(other, "1")
        expect(other.get_by_role("status")).to_have_text(
            "That one was decided elsewhere meanwhile: yours is not written."
        )
        assert shown(other) == [following]
        assert written(reviewed, 1) == [Label(name, "tank")]


def test_what_a_dead_browser_looked_at_is_free_after_a_while(open_page, serve, reviewed):
    name = reviewed.suspect()
    reviewed.write()
    with serve(Leases(seconds=4)) as url:
        dead, alive = open_page(f"{url}/review#label_errors"), open_page(f"{url}/review#label_errors")
        assert shown(dead) == [name]
        expect(alive.get_by_text("Others look at the rest")).to_be_visible()
        dead.evaluate("navigator.sendBeacon = () => true; for (let one = 1; one < 100; one++) clearInterval(one)")
        assert shown(alive) == [name]


def test_what_is_decided_elsewhere_vanishes_from_before_ones_eyes(open_page, serve, reviewed):
    name, following = reviewed.suspect(score=0.001), reviewed.suspect(score=0.002)
    reviewed.write()
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        assert shown(page) == [name]
        decide(reviewed.overrides, LeaveOut(name), by="cic decide", at=NOON)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator(f"figure[data-sha256='{following}']")).to_be_visible()
        expect(page.get_by_text("That one was decided elsewhere, or its picture is gone")).to_be_visible()


def test_a_picture_that_is_taken_down_while_it_is_looked_at_takes_its_entry_along(open_page, serve, reviewed):
    gone, stays = reviewed.suspect(score=0.001), reviewed.suspect(score=0.002)
    reviewed.write()
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        assert shown(page) == [gone]
        reviewed.audited = [row for row in reviewed.audited if row["sha256"] != gone]
        reviewed.hashes["cars"] = [row for row in reviewed.hashes["cars"] if row["sha256"] != gone]
        reviewed.root.images.remove(gone)
        reviewed.write()
        page.keyboard.press("2")
        assert shown(page) == [stays]
        remain(page, "label_errors", 1)
        assert not reviewed.overrides.exists()


def test_a_file_that_somebody_breaks_is_told_and_what_was_answered_comes_back(open_page, serve, reviewed):
    reviewed.of_each(3)
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        decide_with(page, "2")
        written(reviewed, 1)
        right = reviewed.overrides.read_text()
        reviewed.overrides.write_text(f"{right}same: [[\n")
        name = shown(page)
        page.keyboard.press("1")
        expect(page.locator("#trouble")).to_contain_text("is not valid YAML")
        expect(page.locator("#mistake")).to_contain_text("Nothing can be decided until the file is right again")
        assert shown(page) == name
        assert reviewed.overrides.read_text() == f"{right}same: [[\n"
        reviewed.overrides.write_text(right)
        decide_with(page, "1")
        assert set(written(reviewed, 2)) > {Label(name[0], "car")}
        expect(page.locator("#mistake")).to_be_hidden()


def test_a_pair_flickers_and_stands_side_by_side(open_page, serve, reviewed, tmp_path):
    reviewed.near_copies()
    reviewed.write()
    with serve() as url:
        page = open_page(f"{url}/review")
        one, other = (page.locator("figure").nth(index) for index in range(2))
        expect(one).to_be_visible()
        expect(other).to_be_visible()
        page.screenshot(path=tmp_path / "pair.png")
        page.keyboard.press(" ")
        expect(one).to_be_hidden()
        expect(other).to_be_visible()
        assert one.bounding_box() == other.bounding_box()
        page.keyboard.press(" ")
        expect(one).to_be_visible()
        expect(other).to_be_hidden()
        page.keyboard.press("b")
        expect(other).to_be_visible()


def test_the_post_is_one_key_away_and_strangers_words_are_words(open_page, serve, reviewed):
    evil = "<img src=x onerror=alert(1)>\u202e</script><script>alert(2)</script>"
    reviewed.suspect(title=evil, permalink="javascript:alert(3)", score=0.001)
    reviewed.suspect(title="fine", permalink="https://example.org/post", score=0.002)
    reviewed.write()
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        expect(page.get_by_text(evil.replace("\u202e", " "))).to_be_visible()
        expect(page.locator("figcaption a")).to_have_count(0)
        page.keyboard.press("o")
        expect(page.get_by_role("status")).to_have_text("It has no page.")
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("link", name="fine")).to_have_attribute("href", "https://example.org/post")
        page.context.route("https://example.org/**", lambda route: route.fulfill(body="the post"))
        with page.context.expect_page() as opened:
            page.keyboard.press("o")
        assert opened.value.url == "https://example.org/post"
        assert opened.value.evaluate("window.opener === null && !document.referrer")


def test_others_need_the_token_and_say_who_they_are(open_page, serve, reviewed):
    reviewed.suspect()
    reviewed.write()
    with serve(token=TOKEN, host="0.0.0.0") as url:
        page = open_page(f"{url}/?token={TOKEN}")
        assert shown(page)
        assert page.url == f"{url}/review#label_errors"
        page.get_by_label("Your name").fill("Bea, of the museum")
        page.keyboard.press("Enter")
        decide_with(page, "2")
        written(reviewed, 1)
        assert ", by Bea of the museum, " in reviewed.overrides.read_text()
        page.goto(f"{url}/review")
        expect(page.get_by_label("Your name")).to_have_value("Bea, of the museum")


def test_on_a_telephone_all_is_within_reach(open_page, serve, reviewed, tmp_path):
    reviewed.of_each(2)
    with serve() as url:
        page = open_page(f"{url}/review#copies", "phone", color_scheme="dark")
        shown(page)
        page.screenshot(path=tmp_path / "phone.png")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES["phone"]["width"]
        for name in ("One picture", "Different pictures"):
            box = page.get_by_role("button", name=name).bounding_box()
            assert box["y"] + box["height"] <= SIZES["phone"]["height"]
            assert box["height"] >= 44
        page.locator(".frame").first.tap()
        expect(page.locator("figure").first).to_be_hidden()
        page.get_by_role("button", name="Different pictures").tap()
        assert [type(one) for one in written(reviewed, 1)] == [Different]
        page.get_by_role("button", name="Undo").tap()
        remain(page, "copies", 2)


def test_the_next_entry_is_seen_in_a_tenth_of_a_second(open_page, serve, reviewed):
    for number in range(40):
        reviewed.suspect(score=number / 1000)
    reviewed.write()
    measure = """() => new Promise((done) => {
      const before = document.querySelector("figure").dataset.sha256, began = performance.now();
      const look = () => {
        const now = document.querySelector("figure");
        const seen = now && now.dataset.sha256 !== before && now.querySelector("img")?.complete;
        if (seen) requestAnimationFrame(() => done(performance.now() - began)); else requestAnimationFrame(look);
      };
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true }));
      look();
    })"""
    with serve() as url:
        page = open_page(f"{url}/review#label_errors")
        shown(page)
        page.wait_for_timeout(1500)
        took = []
        for _ in range(20):
            took.append(page.evaluate(measure))
            page.wait_for_timeout(700)
        assert sorted(took)[len(took) // 2] < 100, took
        written(reviewed, 20)
    assert ReviewBook(reviewed.root, reviewed.problem).counts()[Queue.LABEL_ERRORS] == 20
