"""What happens by the clock, once a person has turned it on in the UI.

Each source is scraped again, kept posts are asked about, and nets are trained again when it is worth it.
"""

from collections.abc import Iterator

from dagster import (
    AssetKey,
    DagsterInvalidDefinitionError,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)

from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import ProblemError
from cic_assets.defs.resources import DataRootResource, WeightsResource
from cic_assets.defs.training_plan import plan_of


def build_schedules(problem: Problem) -> list[ScheduleDefinition]:
    """`daily_rescrape`, `takedown_check` and `scheduled_training`.

    Raises:
        ProblemError: Dagster does not take a cron expression.
    """
    routine = problem.routine
    try:
        rescrape = _of_each_source(
            problem, "daily_rescrape", cron=routine.rescrape, job="rescrape", assets=("takedowns", "raw_images"),
            description="Looks for take-downs, then scrapes each source again; follow_new_data does what follows.",
        )  # fmt: skip
        takedowns = _of_each_source(
            problem, "takedown_check", cron=routine.takedowns, job="check_takedowns", assets=("takedowns",),
            description="Asks Reddit about the posts that are kept, and removes what is gone.",
        )  # fmt: skip
        return [rescrape, takedowns, _training(problem)]
    except DagsterInvalidDefinitionError:
        given = f"{routine.rescrape!r}, {routine.takedowns!r} and {routine.train!r}"
        raise ProblemError(f"routine: found {given}, expected cron expressions such as '0 5 * * *'") from None


def _training(problem: Problem) -> ScheduleDefinition:
    @schedule(
        cron_schedule=problem.routine.train,
        job_name="train_all",
        execution_timezone=problem.routine.timezone,
        description="Trains again where it is due: the data set grew enough, or a model is of no use any more.",
    )
    def scheduled_training(
        context: ScheduleEvaluationContext, data: DataRootResource, weights: WeightsResource
    ) -> RunRequest | SkipReason:
        """One run, or the reason why none is worth it."""
        models, reason = plan_of(problem, data.root, context.instance, has_weights=bool(weights.path))
        context.log.info(reason)
        if not models:
            return SkipReason(reason)
        return RunRequest(
            run_key=f"{context.scheduled_execution_time:%Y-%m-%dT%H:%M}",
            tags={"cic/reason": reason},
            asset_selection=[AssetKey(problem.dagster.key(f"{name}_model")) for name in models],
        )

    return scheduled_training


def _of_each_source(
    problem: Problem, name: str, *, cron: str, job: str, assets: tuple[str, ...], description: str
) -> ScheduleDefinition:
    """One run a source; a tick that is evaluated twice starts each once."""

    @schedule(
        name=name,
        cron_schedule=cron,
        job_name=job,
        execution_timezone=problem.routine.timezone,
        description=description,
    )
    def each_source(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
        tick = context.scheduled_execution_time
        # What follows from a scrape, follows from new data: the sensor's business.
        selection = [AssetKey(problem.dagster.key(asset)) for asset in assets]
        for key in problem.partitions:
            yield RunRequest(run_key=f"{key}:{tick:%Y-%m-%dT%H:%M}", partition_key=key, asset_selection=selection)

    return each_source
