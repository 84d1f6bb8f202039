import pytest
from pydantic import ValidationError

from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import ProblemError
from cic_assets.config.schedule_settings import RoutineSettings
from cic_assets.defs.schedules import build_schedules

QUESTION = {"name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}}


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("rescrape", "daily", "cron expression of five fields"),
        ("train", "0 5 * *", "cron expression of five fields"),
        ("timezone", "Berlin", "name of a time zone"),
        ("train_after_growth", -1, "greater than or equal to 0"),
    ],
)
def test_a_mistake_is_refused(setting, value, expected):
    with pytest.raises(ValidationError, match=expected):
        RoutineSettings.model_validate({setting: value})


def test_a_time_that_there_is_not_is_refused_when_the_schedules_are_made():
    problem = Problem.model_validate({**QUESTION, "routine": {"rescrape": "0 99 * * *"}})
    with pytest.raises(ProblemError, match=r"routine: found '0 99 \* \* \*'.* expected cron expressions"):
        build_schedules(problem)


def test_schedules_are_those_of_the_problem():
    routine = {"rescrape": "15 3 * * *", "train": "0 0 1 * *", "timezone": "Europe/Berlin"}
    schedules = {one.name: one for one in build_schedules(Problem.model_validate({**QUESTION, "routine": routine}))}
    assert set(schedules) == {"daily_rescrape", "takedown_check", "scheduled_training"}
    assert schedules["daily_rescrape"].cron_schedule == "15 3 * * *"
    assert schedules["scheduled_training"].cron_schedule == "0 0 1 * *"
    assert {one.execution_timezone for one in schedules.values()} == {"Europe/Berlin"}
