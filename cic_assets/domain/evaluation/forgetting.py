"""Taking pictures off a report that is written: each leaves an empty place, and the page says so at its top.

The numbers stay as they were measured; the next report is made without the pictures.
"""

import json
import re
from collections.abc import Collection

from cic_assets.domain.evaluation import notices
from cic_assets.domain.evaluation.report import HTML_FILE, JSON_FILE
from cic_assets.storage import DataRoot, write_atomically

_MARK = re.compile(r'<figure\b[^>]*\bdata-picture="')
_HEADER_ENDS = "</header>"
_EMPTY_PLACE = '<figure class="square"><span class="gone">taken down</span></figure>'
_NOTICE = '<div class="notice" role="note" data-notice="{kind}"><p><strong>{title}</strong> {text}</p></div>\n'


def take_off_report(root: DataRoot, gone: Collection[str], when: str, *, counted: bool) -> None:
    """Remove pictures, with their titles and links, from the report.

    Args:
        root: of the report; nothing happens where there is none.
        gone: SHA-256 of the pictures.
        when: now, as ISO 8601.
        counted: some of them are among the pictures that its models have seen, whether it shows them or not.
    """
    path = root.report / HTML_FILE
    if not gone or not path.exists():
        return
    page = path.read_text(encoding="utf-8")
    if not _MARK.search(page):
        # A report of an earlier version, or of no pictures: it does not tell which it shows.
        path.unlink()
        return
    figures = re.compile(rf'<figure\b[^>]*\bdata-picture="(?:{"|".join(sorted(gone))})".*?</figure>', re.DOTALL)
    emptied, count = figures.subn(_EMPTY_PLACE, page)
    if count or counted:
        # The page comes last: it tells, after a kill, that this is not done.
        _note_in_json(root, when)
        write_atomically(path, _noted(emptied, when).encode())


def has_empty_places(root: DataRoot) -> bool:
    """Whether pictures were taken off the report since it was made; not where there is none."""
    path = root.report / JSON_FILE
    if not path.exists():
        return False
    kind = notices.taken_down("").kind
    return any(notice["kind"] == kind for notice in json.loads(path.read_text(encoding="utf-8"))["notices"])


def _noted(page: str, when: str) -> str:
    notice = notices.taken_down(when)
    if f'data-notice="{notice.kind}"' in page:
        return page
    return page.replace(_HEADER_ENDS, _NOTICE.format(**notice.model_dump()) + _HEADER_ENDS, 1)


def _note_in_json(root: DataRoot, when: str) -> None:
    path = root.report / JSON_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    notice = notices.taken_down(when)
    if all(other["kind"] != notice.kind for other in content["notices"]):
        content["notices"].append(notice.model_dump())
        write_atomically(path, f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode())
