"""Alerts of real failed runs, sent to a real HTTP server."""

import pytest
from dagster import DagsterInstance, Failure, build_run_status_sensor_context, job, op

from cic_assets.defs.alerts import AlertError, build_alerts, send


@op
def scrape():
    raise Failure("r/cars is private: leave it out")


@job
def rescrape():
    scrape()


def alert(target):
    (sensor,) = build_alerts(target, 30)
    with DagsterInstance.ephemeral() as instance:
        result = rescrape.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": "cars"}
        )
        context = build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        sensor(context)
        return result.run_id


def test_an_alert_says_which_run_failed_where_and_why(hook):
    run_id = alert(hook.url)
    (message,) = hook.received
    assert message["title"] == "cic_assets: rescrape of cars failed"
    assert message["message"] == f"scrape: r/cars is private: leave it out\nRun {run_id}"


def test_without_somebody_to_tell_it_is_the_log_alone(hook):
    alert("")
    assert hook.received == []


def test_the_sensor_is_on_from_the_start_where_there_is_somebody_to_tell():
    assert build_alerts("json://x", 30)[0].default_status.name == "RUNNING"
    assert build_alerts("", 30)[0].default_status.name == "STOPPED"


def test_a_setting_that_does_not_work_is_said_without_its_password(hook):
    hook.answer = 500
    for target in ("nonsense", hook.url.replace("127", "user:secret@127")):
        with pytest.raises(AlertError, match="CIC_ALERTS") as raised:
            send(target, "title", "text")
        assert "secret" not in str(raised.value)
