"""Telling somebody that a run failed, by whatever way they chose: e-mail, a webhook, Slack and a hundred others."""

from dagster import DefaultSensorStatus, RunFailureSensorContext, SensorDefinition, run_failure_sensor

from cic_assets.defs.failure_messages import innermost, reason_of


class AlertError(Exception):
    """An alert could not be sent. The message never holds the setting's value: there are passwords in it."""


def build_alerts(target: str, interval_seconds: int) -> list[SensorDefinition]:
    """`alert_on_failure`: on from the start where there is somebody to tell.

    Args:
        target: `CIC_ALERTS`, a URL as Apprise understands it; empty for the log alone.
        interval_seconds: at least so long between two looks for failed runs.
    """

    @run_failure_sensor(
        default_status=DefaultSensorStatus.RUNNING if target else DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=interval_seconds,
        description="Says which run failed, at which step and why: in the log, and to whomever CIC_ALERTS names.",
    )
    def alert_on_failure(context: RunFailureSensorContext) -> None:
        """One alert a run."""
        title, text = describe(context)
        context.log.error(f"{title}: {text}")
        if target:
            send(target, title, text)

    return [alert_on_failure]


def describe(context: RunFailureSensorContext) -> tuple[str, str]:
    """Title and text of an alert: a line a failed step."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition")
    title = f"{run.job_name}{f' of {partition}' if partition else ''} failed"
    lines = [f"{event.step_key}: {reason_of(event.step_failure_data)}" for event in context.get_step_failure_events()]
    if not lines:
        failure = context.failure_event
        lines = [innermost(failure.job_failure_data.error) or failure.message or "no reason is known"]
    return title, "\n".join([*lines, f"Run {run.run_id}"])


def send(target: str, title: str, text: str) -> None:
    """Send an alert.

    Raises:
        AlertError: the target is not understood, or does not take it.
    """
    import apprise

    alert = apprise.Apprise()
    if not alert.add(target):
        raise AlertError(
            "CIC_ALERTS is not understood: expected a URL such as mailto://user:password@example.org or "
            "jsons://example.org/hook (see the documentation of Apprise)"
        )
    if not alert.notify(title=f"cic_assets: {title}", body=text, body_format=apprise.NotifyFormat.TEXT):
        raise AlertError("the alert was not taken by what CIC_ALERTS names: look at its host and password")
