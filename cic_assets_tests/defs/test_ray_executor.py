"""Which executor a person chose."""

import sys

import pytest

from cic_assets.config.environment import Environment, EnvironmentVariableError
from cic_assets.defs.executors import EXECUTOR, executor_of


def test_one_machine_has_its_own():
    assert executor_of(Environment()) is EXECUTOR


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cic_assets.defs.ray_executor", None)
    with pytest.raises(EnvironmentVariableError, match=r"pip install 'cic-assets\[ray\]'"):
        executor_of(Environment(executor="ray"))
