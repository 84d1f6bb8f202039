"""Pages in windows of a browser: what they complain about, and pictures of how they were last."""

import re
from contextlib import contextmanager

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@contextmanager
def pages_of(browser, folder, seconds, refused):
    """What opens a URL in a window of its own.

    Args:
        browser: Chromium.
        folder: for a picture of each page at its end.
        seconds: to wait for what a step should bring.
        refused: statuses of HTTP that a page may be answered with; whatever else it complains about is an error.
    """
    contexts, complaints = [], []

    def open_page(url, size="desktop", **options):
        context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(seconds * 1000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.goto(url)
        return page

    yield open_page
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=folder / f"last{number}.png", full_page=True)
        context.close()
    status = "|".join(map(str, refused))
    expected = re.compile(f"the server responded with a status of ({status})|net::ERR_CONNECTION_REFUSED")
    assert [complaint for complaint in complaints if not expected.search(complaint)] == []
