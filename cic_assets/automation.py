"""What happens by itself: a daily scrape of each source, and two checks a day for what was taken down.

Off until a person turns it on in the UI.
"""

from collections.abc import Iterator

from dagster import RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule

from cic_assets.problem import Problem

DAILY = "0 5 * * *"
"""Five in the morning, UTC: a listing of 1,000 posts covers a day of any but the largest subreddits."""

TWICE_A_DAY = "0 11,23 * * *"
"""Six hours from the daily scrape, which looks too. Reddit's terms give 48 hours, and a post that is left out of one
answer is asked for again in the next."""


def build_schedules(problem: Problem) -> list[ScheduleDefinition]:
    """`daily_rescrape` and `takedown_check`."""

    @schedule(cron_schedule=DAILY, job_name="rescrape", execution_timezone="UTC")
    def daily_rescrape(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Scrape each source again; a tick that is evaluated twice starts each run once."""
        yield from _one_run_each(problem, context)

    @schedule(cron_schedule=TWICE_A_DAY, job_name="check_takedowns", execution_timezone="UTC")
    def takedown_check(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Ask about the kept posts of each source, and remove what is gone."""
        yield from _one_run_each(problem, context)

    return [daily_rescrape, takedown_check]


def _one_run_each(problem: Problem, context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
    tick = context.scheduled_execution_time
    for key in problem.partitions:
        yield RunRequest(run_key=f"{key}:{tick:%Y-%m-%dT%H:%M}", partition_key=key)
