"""What follows from something: new data downstream of a scrape, a message after a failure."""

from dagster import AssetSelection, AutomationConditionSensorDefinition, SensorDefinition

from cic_assets.defs.alerts import build_alerts


def build_sensors(alerts: str, interval_seconds: int) -> list[SensorDefinition]:
    """`follow_new_data` and `alert_on_failure`.

    Args:
        alerts: whom to tell, as `build_alerts` takes it.
        interval_seconds: at least so long between two looks of each.
    """
    follow = AutomationConditionSensorDefinition(
        "follow_new_data",
        target=AssetSelection.all(),
        minimum_interval_seconds=interval_seconds,
        description="Brings what is downstream of new data up to date, up to the data set; training has its schedule.",
    )
    return [follow, *build_alerts(alerts, interval_seconds)]
