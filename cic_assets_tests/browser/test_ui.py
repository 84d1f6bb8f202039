"""What people do in the UI, done: materialize by clicking, look at pages, turn a schedule on, use the launchpad."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import seconds

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

DONE = re.compile("^(Completed|Succeeded|Success)$")


def test_one_subreddit_is_materialized_by_clicking(ui):
    ui.open("/assets/raw_images")
    ui.begin_to_materialize("Materialize…")
    ui.choose_partition("cars")
    ui.launch("Launch 1 run")
    ui.open("/runs")
    expect(ui.page.get_by_text("Success", exact=True)).to_be_visible(timeout=seconds(120))
    ui.photograph("run")


def test_everything_is_materialized_by_clicking_and_pages_show_tables_and_where_pictures_lie(ui):
    ui.open("/asset-groups")
    ui.begin_to_materialize("Materialize all…")
    ui.button("All").click()
    ui.launch("Launch backfill")
    ui.open("/runs?view=backfills")
    expect(ui.page.get_by_text(DONE).first).to_be_visible(timeout=seconds(400))
    ui.photograph("backfill")

    ui.open("/assets/training_dataset")
    by_source = ui.page.get_by_role("row").filter(has=ui.page.get_by_text("by source", exact=True))
    expect(by_source).to_contain_text("cars")
    ui.photograph("asset")
    samples = ui.page.get_by_role("row").filter(has=ui.page.get_by_text("samples", exact=True))
    expect(samples).to_contain_text("sheets/training_dataset.jpg")


def test_a_schedule_that_is_turned_on_has_a_next_tick(ui):
    ui.open("/locations/cic_assets/schedules/daily_rescrape")
    next_tick = ui.page.get_by_role("row").filter(has_text="Next tick")
    expect(ui.page.get_by_text("At 05:00 AM UTC").first).to_be_visible()
    expect(next_tick).to_have_count(0)
    ui.turn_on()
    expect(next_tick).to_contain_text("5:00:00 AM UTC")
    ui.photograph("schedule")


def test_the_launchpad_checks_what_a_job_is_given(ui):
    ui.open("/locations/cic_assets/jobs/predict")
    ui.button("Materialize").locator("xpath=following::button[1]").click()
    ui.page.get_by_text("Open launchpad").click()
    sure = ui.button("Confirm")
    good = ui.page.get_by_text("No errors")
    expect(sure.or_(good).first).to_be_visible()
    if sure.is_visible():
        sure.click()
    expect(good).to_be_visible()
    ui.photograph("launchpad")
    ui.write_config("ops: {adhoc_predictions: {config: {sources: 3}}}")
    expect(ui.page.get_by_text("root:ops:adhoc_predictions:config:sources must be list")).to_be_visible()
    ui.photograph("mistake")
