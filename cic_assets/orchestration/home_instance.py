"""The Dagster instance of a home whose dagster.yaml names `HomeInstance`: in SQLite, or in PostgreSQL by setting.

Names of storages are strings here, as in dagster.yaml: what is not chosen is not imported.
"""

from collections.abc import Mapping
from typing import Any

import yaml
from dagster import DagsterEvent, DagsterInstance, DagsterRun
from dagster._core.events import EngineEventData
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData

from cic_assets.config.environment import POSTGRES_VARIABLE, Environment
from cic_assets.orchestration.machine import machine_name

MACHINE = "machine"
"""Metadata of the event with which a run tells its process: on which machine that is."""

_PLAIN_POSTGRES = "PostgresEventLogStorage"


class HomeInstance(DagsterInstance):
    """An instance whose pools count right, and whose runs tell on which machine they are."""

    def __init__(self, **parts: Any) -> None:
        if type(parts["event_storage"]).__name__ == _PLAIN_POSTGRES:  # of `storage: postgres:` in dagster.yaml
            from cic_assets.orchestration.postgres_storage import pool_safe

            parts |= pool_safe(parts["event_storage"])
        super().__init__(**parts)

    def report_engine_event(
        self,
        message: str,
        dagster_run: DagsterRun | None = None,
        engine_event_data: EngineEventData | None = None,
        *more: Any,
        **named: Any,
    ) -> DagsterEvent:
        """Record what Dagster itself has to say of a run; where that names a process, also its machine."""
        if engine_event_data and "pid" in engine_event_data.metadata:
            told = EngineEventData(metadata={MACHINE: machine_name()}).metadata
            engine_event_data = engine_event_data._replace(metadata={**engine_event_data.metadata, **told})
        return super().report_engine_event(message, dagster_run, engine_event_data, *more, **named)

    @staticmethod
    def config_schema() -> Mapping[str, Any]:
        """Dagster asks which settings the class has: none."""
        return {}

    @staticmethod
    def config_defaults(base_dir: str) -> Mapping[str, Any]:
        """Dagster asks where things lie unless set otherwise."""
        module, name = "sqlite_storage", "PoolSafeStorage"
        settings: dict[str, Any] = {"base_dir": base_dir}
        if Environment.from_variables().postgres_url:
            module, name = "postgres_storage", "PoolSafePostgresStorage"
            # By the variable's name: what steps are told of their instance is shown, and the URL has a password.
            settings = {"postgres_url": {"env": POSTGRES_VARIABLE}}
        return {
            **InstanceRef.config_defaults(base_dir),
            "storage": ConfigurableClassData(f"cic_assets.orchestration.{module}", name, yaml.safe_dump(settings)),
        }
