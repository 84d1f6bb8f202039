import contextlib

import pandas as pd

from cic_assets.defs import metadata
from cic_assets.domain.review import Queue


def test_a_cell_without_a_value_is_empty():
    frame = pd.DataFrame({"label": ["car", None], "probability": [0.5, None], "n": [1, 2]})
    shown = metadata.table(frame)
    assert [record.data for record in shown.records] == [
        {"label": "car", "probability": 0.5, "n": 1},
        {"label": None, "probability": None, "n": 2},
    ]
    assert [column.type for column in shown.schema.columns] == ["string", "float", "int"]


def test_progress_is_logged_at_its_start_now_and_then_and_at_its_end():
    logged = []
    with metadata.ProgressLog(logged.append, every_seconds=3600) as progress:
        for done in (1, 2, 3):
            progress(f"{done} of 3")
    assert logged == ["1 of 3", "3 of 3"]
    with metadata.ProgressLog(logged.append, every_seconds=0) as progress:
        progress("all at once")
    assert logged[2:] == ["all at once"]


def test_progress_of_what_fails_is_logged_up_to_there():
    logged = []
    with contextlib.suppress(OSError), metadata.ProgressLog(logged.append) as progress:
        progress("1 of 3")
        progress("2 of 3")
        raise OSError
    assert logged == ["1 of 3", "2 of 3"]


def test_what_waits_for_a_person_is_counted_and_linked():
    waiting = metadata.to_review({Queue.CONFLICTS: 1, Queue.COPIES: 1234, Queue.OFF_TOPIC: 0})
    assert waiting.value == (
        "[1 picture under two classes](http://localhost:8001/review#label_conflicts), "
        "[1,234 pairs near the limit of a copy](http://localhost:8001/review#copies): start `cic review`"
    )
    assert metadata.to_review({Queue.COPIES: 0}).value == "nothing"
