"""What follows from something: new data downstream of a scrape, a message after a failure."""

from dagster import AssetSelection, AutomationConditionSensorDefinition, SensorDefinition

from cic_assets.defs.alerts import build_alerts


def build_sensors(alerts: str) -> list[SensorDefinition]:
    """`follow_new_data` and `alert_on_failure`."""
    follow = AutomationConditionSensorDefinition(
        "follow_new_data",
        target=AssetSelection.all(),
        minimum_interval_seconds=30,
        description="Brings what is downstream of new data up to date, up to the data set; training has its schedule.",
    )
    return [follow, *build_alerts(alerts)]
