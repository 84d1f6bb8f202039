"""What commands say, for programs."""

import io
import json
from datetime import datetime

import pytest

from cic_assets.cli.json_lines import JsonLines


@pytest.fixture
def said():
    """A stream, and what came out of it."""
    target = io.StringIO()
    return JsonLines(target), lambda: [json.loads(line) for line in target.getvalue().splitlines()]


def test_each_whole_line_is_an_object(said):
    stream, lines = said
    stream.write("Scraping ca")
    assert lines() == []
    stream.write('rs "1"\n\n   ü\nhalf')
    stream.flush()
    assert [line["message"] for line in lines()] == ['Scraping cars "1"', "ü"]
    assert {line["level"] for line in lines()} == {"info"}
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines())


def test_errors_are_told_from_news(said):
    stream, lines = said
    stream.write("Error: no\nfailed raw_images: no\nTraceback (most recent call last):\nfine\n")
    assert [line["level"] for line in lines()] == ["error", "error", "error", "info"]


@pytest.mark.slow
def test_a_command_says_all_in_objects(commands):
    result = commands.run("cic", "run", "--problem", "nowhere.yaml", CIC_LOGS="json")
    assert result.returncode == 1
    said = [json.loads(line) for line in result.stderr.splitlines()]
    assert said[0]["message"] == "Loading nowhere.yaml"
    assert said[-1]["level"] == "error"
    assert said[-1]["message"].startswith("Error: nowhere.yaml: cannot be read")
