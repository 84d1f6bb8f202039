"""Dagster's instance in a real PostgreSQL: which one it is, whose it is, and what happens when it goes away."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dagster import DagsterInstance
from dagster._core.test_utils import create_run_for_test

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.config.environment import SAMPLE_PROBLEM
from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.instance import ensure_home, make_instance, open_instance
from cic_assets.orchestration.pool_safe import PoolSafe
from cic_assets.orchestration.postgres_storage import PoolSafePostgresEvents, with_driver
from cic_assets.storage import DataRoot

with_server = pytest.mark.long


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    return DataRoot(str(tmp_path / "root"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_driver_is_the_one_that_dagster_knows(scheme):
    assert with_driver(f"{scheme}://me:a%2Fb@host/runs") == "postgresql+psycopg2://me:a%2Fb@host/runs"


@pytest.mark.slow
def test_nothing_of_postgresql_is_imported_unless_it_is_set(tmp_path, bare_variables):
    variables = {**bare_variables, "CIC_PROBLEM": str(SAMPLE_PROBLEM), "CIC_ARCHIVE": "sample"}
    program = """
import sys
from cic_assets.definitions import defs
from cic_assets.orchestration.instance import open_instance
from cic_assets.storage import DataRoot
with open_instance(DataRoot(sys.argv[1])): pass
print(*(name for name in sys.modules if name.startswith(("psycopg", "dagster_postgres"))))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@with_server
def test_it_is_what_the_home_has_and_nobody_is_told_the_password(postgres_url, root):
    with open_instance(root) as instance:
        assert isinstance(instance.event_log_storage, PoolSafePostgresEvents)
        assert "of-these-tests" not in str(instance.get_ref())
        assert "of-these-tests" not in instance.info_str()
        with DagsterInstance.from_ref(instance.get_ref()) as again:
            assert isinstance(again.event_log_storage, PoolSafePostgresEvents)


@with_server
def test_the_block_of_dagster_yaml_has_the_same_pools(postgres_server, root):
    home = ensure_home(root)
    url = with_driver(postgres_server.database_with_tables())
    with (home / "dagster.yaml").open("a") as file:
        file.write(f"\nstorage: {{postgres: {{postgres_url: '{url}'}}}}\n")
    with make_instance(home) as instance:
        assert isinstance(instance.event_log_storage, PoolSafe)
        create_run_for_test(instance)
        assert instance.get_runs_count() == 1


@with_server
def test_a_database_is_of_one_data_root(postgres_url, root, tmp_path):
    other = DataRoot(str(tmp_path / "other"))
    for _ in range(2):
        with open_instance(root):
            pass
    with (
        pytest.raises(InstanceError, match=r"in the data root .*/root, not in .*/other: create another"),
        open_instance(other),
    ):
        pass
    with open_instance(other, DagsterSettings(asset_prefix="other")):
        pass


@with_server
def test_a_setting_that_dagster_yaml_overrules_is_no_setting(postgres_url, root):
    home = ensure_home(root)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with pytest.raises(InstanceError, match="expected there the instance_class"):
        make_instance(home)


@with_server
@pytest.mark.parametrize(
    ("part", "other", "said"),
    [
        ("of-these-tests", "wrong", 'password authentication failed for user "dagster": expected postgresql://USER'),
        ("/test_", "/none_", "does not exist: expected postgresql://USER"),
        ("127.0.0.1:", "127.0.0.1:1", "start the server, and run the same command again"),
    ],
)
def test_a_database_that_is_not_usable_is_one_line(postgres_url, root, monkeypatch, part, other, said):
    if part == "127.0.0.1:":
        monkeypatch.setenv("CIC_POSTGRES_URL", "postgresql://dagster:of-these-tests@127.0.0.1:1/runs")
    else:
        monkeypatch.setenv("CIC_POSTGRES_URL", postgres_url.replace(part, other))
    with pytest.raises(InstanceError) as raised:
        make_instance(ensure_home(root))
    assert said in str(raised.value)
    assert "of-these-tests" not in str(raised.value)
    assert "\n" not in str(raised.value)


@with_server
def test_tables_of_another_dagster_are_refused(postgres_server, postgres_url, root):
    database = postgres_url.rpartition("/")[2]
    postgres_server.tell(database, "UPDATE alembic_version SET version_num = '567bc23fd1ac'")
    with pytest.raises(InstanceError, match=r"of another version .*: run cic migrate"):
        make_instance(ensure_home(root))


@with_server
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_server_that_is_started_again_is_waited_for(postgres_server, postgres_url, root, end):
    with open_instance(root) as instance:
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default("pool")
        back = threading.Event()
        with postgres_server.gone(getattr(type(postgres_server), end)):
            asking = threading.Thread(target=lambda: (create_run_for_test(instance), back.set()))
            asking.start()
            time.sleep(8)  # longer than Dagster itself would wait
            assert not back.is_set()
        asking.join(60)
        assert back.is_set()
        assert instance.get_runs_count() == 1
        assert storage.claim_concurrency_slot("pool", "run", "step").is_claimed


@with_server
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_is_on_its_way_while_the_server_ends_is_asked_again(postgres_server, postgres_url, root, end):
    """Questions and events without a pause, and the server gone among them: all are answered, none is doubled."""
    with open_instance(root) as instance:
        run, told, over = create_run_for_test(instance), [], threading.Event()
        instance.event_log_storage.set_concurrency_slots("pool", 1)

        def tell():
            while not over.is_set():
                instance.report_engine_event(f"event {len(told)}", run)
                told.append(f"event {len(told)}")
                assert instance.get_run_by_id(run.run_id)
                assert instance.event_log_storage.claim_concurrency_slot("pool", "run", "step").is_claimed
                instance.event_log_storage.free_concurrency_slots_for_run("run")

        with ThreadPoolExecutor(1) as pool:
            telling = pool.submit(tell)
            for _ in range(3):
                time.sleep(2)
                with postgres_server.gone(getattr(type(postgres_server), end)):
                    time.sleep(0.5)
            time.sleep(1)
            over.set()
            telling.result(timeout=120)
        messages = [entry.dagster_event.message for entry in instance.all_logs(run.run_id)]
        found = [message for message in messages if message.startswith("event ")]
    assert len(told) > 5
    assert found == told
