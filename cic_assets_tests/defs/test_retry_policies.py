"""Which failures are worth another try, on a real instance."""

import threading
import time

import pandas as pd
import pytest
from dagster import AssetExecutionContext, DagsterInstance, MaterializeResult, asset, materialize

from cic_assets.defs.resources import DataRootResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain.sources import TakedownGuard, complete_row
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot, sha256_hex


@pytest.fixture
def root(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    sha256 = root.images.put(b"picture", "jpeg")
    row = {"subreddit": "cars", "post_id": "one", "media_url": "http://x/1.jpg", "title": "Jane's car", "outcome": "ok"}
    root.write_table("raw_images", pd.DataFrame([complete_row({**row, "sha256": sha256, "format": "jpeg"})]), "cars")
    return root


def run(root, body):
    """Whether an asset with this body was made, how often it was tried, and what the event log says."""
    tries = []

    @asset
    @again_if_taken_down
    def derived(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult:
        tries.append(context.retry_number)
        return body(data.root, len(tries))

    with DagsterInstance.ephemeral() as instance:
        done = materialize(
            [derived], resources={"data": DataRootResource(url=root.url)}, instance=instance, raise_on_error=False
        )
        log = "\n".join(map(str, instance.all_logs(done.run_id)))
    return done.success, len(tries), log


def test_what_was_read_before_a_take_down_is_not_written_and_the_step_is_done_again(root):
    def body(root, attempt):
        guard, table = TakedownGuard(root), root.read_table("raw_images", "cars")
        if attempt == 1:
            purge(root, ["one"])
        with guard.publishing():
            root.write_table("derived", table[table["outcome"] == "ok"])
        return MaterializeResult()

    assert run(root, body)[:2] == (True, 2)
    assert root.read_table("derived").empty


def test_a_picture_that_goes_while_it_is_read_is_no_failure(root):
    def body(root, attempt):
        table = root.read_table("raw_images", "cars")
        if attempt == 1:
            purge(root, ["one"])
        for sha256 in table.loc[table["outcome"] == "ok", "sha256"]:
            root.images.get(sha256, "jpeg")
        return MaterializeResult()

    name = sha256_hex(b"picture")
    done, tries, log = run(root, body)
    assert (done, tries) == (True, 2)
    assert "once more (FileNotFoundError)" in log
    assert name not in log, "where no take-down reaches it"


def test_a_step_that_waits_for_a_take_down_says_so(root):
    def hold():
        with root.lock.held():
            held.set()
            time.sleep(2)

    held, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    held.wait()
    done, tries, log = run(root, lambda _root, _attempt: MaterializeResult())
    holder.join()
    assert (done, tries) == (True, 1)
    assert f"Waiting for what else writes in {root.path}" in log


def test_what_fails_of_itself_fails_at_once(root):
    def body(_root, _attempt):
        raise ZeroDivisionError

    assert run(root, body)[:2] == (False, 1)
