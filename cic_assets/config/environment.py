"""What a command or a person at the UI sets from outside, by the variables `CIC_…`. The one place that reads them.

Commands write their options here too, so that steps in other processes see the same. Variables of others are read where
they matter: Reddit's key in `defs.resources`, Dagster's home in `orchestration.instance`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cic_assets.engine import EngineName

SAMPLE_PROBLEM = Path(__file__).parent / "sample.yaml"
"""The question of the demo."""

POSTGRES_VARIABLE = "CIC_POSTGRES_URL"
"""Also of what reads it where an instance is made, in whatever process that is."""

METRICS_HOST, METRICS_PORT = "127.0.0.1", 9464
"""Where metrics are served unless set otherwise."""

SAMPLE = "sample"
"""The word that stands for the embedded archive of drawn pictures where a folder is expected."""


class EnvironmentVariableError(ValueError):
    """A variable has a value that it cannot have; the message names it, what was found and what is expected."""


class Environment(BaseModel):
    """Settings of one installation; the field's title is the variable's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: Path = Field(default=Path("data/problem.yaml"), title="CIC_PROBLEM", description="the question")
    preset: str = Field(
        default="full",
        title="CIC_PRESET",
        description="sizes of models and pictures: full, demo or one of the problem file's own",
    )
    data_root: str = Field(
        default="",
        title="CIC_DATA_ROOT",
        description="folder, or s3://BUCKET/PATH, of all that is materialized; unless given, data beside the problem "
        "file, and data/demo for the demo",
    )
    archive: str = Field(
        default="",
        title="CIC_ARCHIVE",
        description="a recorded archive, of Reddit or another source, to replay in its place; "
        f"'{SAMPLE}' is the embedded one",
    )
    contact: str = Field(
        default="",
        title="CIC_CONTACT",
        description="an e-mail address or page of you who run this: sources without an account count limits by it",
    )
    proxy: str = Field(
        default="",
        title="CIC_PROXY",
        repr=False,
        description="proxy for pictures and APIs, http://HOST:PORT; addresses of hosts are looked up and checked here, "
        "and pictures asked for by https alone",
    )
    xception_weights: str = Field(
        default="", title="CIC_XCEPTION_WEIGHTS", description="file of Keras' ImageNet weights, no top"
    )
    allow_random_weights: bool = Field(
        default=False,
        title="CIC_ALLOW_RANDOM_WEIGHTS",
        description="train Xception from random weights where no others can be had, and say so",
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        default="auto",
        title="CIC_DEVICE",
        description="what trains: auto takes a GPU that is there; with gpu, none is an error",
    )
    alerts: str = Field(
        default="",
        title="CIC_ALERTS",
        description="whom to tell that a run failed: a URL as Apprise understands it, such as mailto://… or jsons://…",
    )
    engine: EngineName = Field(
        default="local",
        title="CIC_ENGINE",
        description="where pictures are worked on: on this machine, or on the Ray cluster that RAY_ADDRESS names",
    )
    executor: Literal["multiprocess", "ray", "k8s"] = Field(
        default="multiprocess",
        title="CIC_EXECUTOR",
        description="where steps of runs are executed: in processes of this machine, on that Ray cluster, or as jobs "
        "of Kubernetes",
    )
    k8s_steps: str = Field(
        default="",
        title="CIC_K8S_STEPS",
        description="with CIC_EXECUTOR=k8s: file that says what pods of steps are like; begin with "
        "deploy/kubernetes-steps.yaml",
    )
    token: str = Field(
        default="",
        title="CIC_TOKEN",
        repr=False,
        description="what clients of `cic serve` and of metrics must show, 16 or more characters; others see what "
        "stands in a command",
    )
    postgres_url: str = Field(
        default="",
        title=POSTGRES_VARIABLE,
        repr=False,
        description="where Dagster keeps its runs: postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in SQLite under its "
        "home unless given",
    )
    logs: Literal["text", "json"] = Field(
        default="text",
        title="CIC_LOGS",
        description="how commands, the UI and its runs say what they do: text for people, or a JSON object a line",
    )
    metrics: str = Field(
        default="",
        title="CIC_METRICS",
        description="PORT or HOST:PORT at which `cic dev` serves metrics for Prometheus beside the UI; for others than "
        "this machine only with CIC_TOKEN",
    )
    sensor_seconds: int = Field(
        default=30,
        ge=1,
        title="CIC_SENSOR_SECONDS",
        description="how long a sensor waits before it looks again, for new data or for runs that failed",
    )

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        if value:
            from cic_assets.domain.download import require_proxy  # with aiohttp, which most commands do without

            require_proxy(value)
        return value

    @field_validator("postgres_url")
    @classmethod
    def _is_a_database(cls, value: str) -> str:
        if value and not _names_a_database(value):
            raise ValueError("expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, in a password %40 for @")
        return value

    @field_validator("metrics")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if value and _place_of(value) is None:
            raise ValueError("expected PORT or HOST:PORT, such as 9464 or 0.0.0.0:9464")
        return value

    @classmethod
    def from_variables(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the variables; one that is missing or empty has its default.

        Raises:
            EnvironmentVariableError: one has a value that it cannot have.
        """
        given = {name: variables.get(str(field.title), "") for name, field in cls.model_fields.items()}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError as error:
            mistake = error.errors()[0]
            title = cls.model_fields[str(mistake["loc"][0])].title
            expected = mistake["msg"].removeprefix("Input should be ").removeprefix("Value error, expected ")
            # These may have a password.
            found = "what is none" if title in ("CIC_PROXY", POSTGRES_VARIABLE) else repr(mistake["input"])
            raise EnvironmentVariableError(
                f"{title}: found {found}, expected {expected.partition(', unable')[0]}"
            ) from None

    def of_problem(self, problem: Path) -> Self:
        """The same for another problem, with the data root that follows from its place."""
        return self.model_copy(update={"problem": problem, "data_root": ""})

    @property
    def root_url(self) -> str:
        """The data root: the one that was given, or what follows from the place of the problem file.

        So that each problem has its own. A file in a folder `data` is at home in it, as `data/problem.yaml` is.
        """
        if self.data_root:
            return self.data_root
        if self.problem == SAMPLE_PROBLEM:  # it lies in the package, which is nobody's to write to
            return _absolute("data/demo")
        folder = self.problem.expanduser().resolve().parent
        return str(folder if folder.name == "data" else folder / "data")

    @property
    def metrics_at(self) -> tuple[str, int] | None:
        """Host and port at which metrics are served beside the UI; None where they are not."""
        return _place_of(self.metrics)

    def absolute(self) -> Self:
        """The same with absolute paths: they mean the same place in a process with another working folder."""
        paths: dict[str, Path | str] = {"problem": self.problem.expanduser().resolve()}
        root = self.root_url
        paths["data_root"] = root if "://" in root else _absolute(root)
        if self.archive and self.archive != SAMPLE:
            paths["archive"] = _absolute(self.archive)
        for name in ("xception_weights", "k8s_steps"):
            if given := getattr(self, name):
                paths[name] = _absolute(given)
        return self.model_copy(update=paths)

    def variables(self) -> dict[str, str]:
        """The same as environment variables, for a step in another process; paths absolute."""
        values = self.absolute().model_dump()
        values["allow_random_weights"] = "1" if self.allow_random_weights else ""
        return {str(field.title): str(values[name]) for name, field in type(self).model_fields.items()}


def _place_of(text: str) -> tuple[str, int] | None:
    """Host and port; None of what names none."""
    place = f"{METRICS_HOST}:{text}" if text.isdecimal() else text
    try:
        parts = urlsplit(f"//{place}")
        if parts.hostname and parts.port and parts.netloc == place and "@" not in place:
            return parts.hostname, parts.port
    except ValueError:  # of a port that is none
        pass
    return None


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Of two @ nobody knows where the password ends, and part of it would be shown as a host.
        is_plain = "@" not in parts.netloc.partition("@")[2] and not parts.fragment
        return is_plain and parts.scheme in _POSTGRES and len(parts.path) > 1 and (parts.port is None or parts.port > 0)
    except ValueError:  # of a port that is none
        return False


_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg2")


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())
