"""`cic run`, killed in each of its stages and started again: it ends as an undisturbed one, and does nothing twice."""

import signal
import subprocess
import time

import pytest

from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import BIN
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.states import state_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MOMENTS = {
    "r/carporn: 18 media, 18 new": (),
    "Finding duplicates": ("18 of 18 URLs", "18 of 18 fingerprints", "12 of 12 fingerprints"),
    "Resizing tankporn": ("Finding duplicates", "18 of 18 pictures resized"),
    "training on cpu": ("12 of 12 pictures resized", "Building the data set"),
    "Evaluating": ("vgg: epoch 1 of 1", "peetz_net: epoch 1 of 1"),
}
"""Words of a line at which the process is killed; and what is done by then, and so never done again."""

SECONDS = short_or_long([0.0], [number / 8 for number in range(10)])
"""From the line to the kill."""


@pytest.mark.parametrize("seconds", SECONDS)
def test_a_run_that_is_killed_in_every_stage_ends_as_an_undisturbed_one(
    finished_first, make_archive, tmp_path, seconds
):
    world = Finished(tmp_path, finished_first.variables)
    world.lay_out(make_archive)
    done = ()
    for words, finished_by_now in MOMENTS.items():
        lines = killed_at(world, words, seconds)
        done += finished_by_now
        assert_not_again(lines, [line for line in done if line not in finished_by_now])
    result = world.run("cic", *world.run_arguments)
    assert result.returncode == 0, result.stderr
    assert_not_again(result.stderr.splitlines(), done)
    found, expected = (state_of(DataRoot(str(one.root)), one.models) for one in (world, finished_first))
    assert [place for place in expected if found.pop(place) != expected[place]] == []
    assert found == {}


def killed_at(world, words, seconds):
    """The lines of a run until the kill, some seconds after a line with these words."""
    command = [str(BIN / "cic"), *world.run_arguments]
    lines = []
    with subprocess.Popen(
        command, env=world.variables, cwd=world.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            lines.append(line)
            if words in line:
                break
        else:
            pytest.fail(f"it ended before {words!r}: {''.join(lines)}")
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    return lines


def assert_not_again(lines, done):
    again = [(line, words) for line in lines for words in done if words in line]
    assert again == []
