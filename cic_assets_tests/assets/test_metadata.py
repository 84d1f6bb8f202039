import pandas as pd

from cic_assets.assets import metadata


def test_a_cell_without_a_value_is_empty():
    frame = pd.DataFrame({"label": ["car", None], "probability": [0.5, None], "n": [1, 2]})
    shown = metadata.table(frame)
    assert [record.data for record in shown.records] == [
        {"label": "car", "probability": 0.5, "n": 1},
        {"label": None, "probability": None, "n": 2},
    ]
    assert [column.type for column in shown.schema.columns] == ["string", "float", "int"]
