"""What happens by itself: a daily scrape of each source. Off until a person turns it on in the UI."""

from collections.abc import Iterator

from dagster import RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule

from cic_assets.problem import Problem

DAILY = "0 5 * * *"
"""Five in the morning, UTC: a listing of 1,000 posts covers a day of any but the largest subreddits."""


def build_schedules(problem: Problem) -> list[ScheduleDefinition]:
    """`daily_rescrape`."""

    @schedule(cron_schedule=DAILY, job_name="rescrape", execution_timezone="UTC")
    def daily_rescrape(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        """Scrape each source again; a tick that is evaluated twice starts each run once."""
        tick = context.scheduled_execution_time
        for key in problem.partitions:
            yield RunRequest(run_key=f"{key}:{tick:%Y-%m-%dT%H:%M}", partition_key=key)

    return [daily_rescrape]
