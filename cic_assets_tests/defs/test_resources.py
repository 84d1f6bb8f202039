import pytest
from dagster import EnvVar, Failure

from cic_assets.config.environment import Environment
from cic_assets.defs.resources import (
    AcceleratorResource,
    DataRootResource,
    EngineResource,
    RedditResource,
    build_resources,
)
from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.reddit import BadCredentialsError, RedditSettings
from cic_assets.domain.sources import Partition, Source, is_sample, scrape
from cic_assets.web.replay import sample_version


@pytest.fixture
def origin_of(tmp_path, monkeypatch):
    """Where the pictures of a source come from, by the resources of an environment."""
    for name in ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def origin(source, environment):
        environment = environment.model_copy(update={"data_root": str(tmp_path / "root")})
        reddit = build_resources(environment)["reddit"]
        with reddit.connect(Source.model_validate(source), RedditSettings()) as connection:
            return connection.origin

    return origin


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("urls:cars.txt", "web"),
        ("dump:cars.zst", "web"),
        ("folder:cars", "folder"),
        ("kaggle:a/b", "kaggle"),
        ("commons:Tanks", "web"),
    ],
)
def test_the_sample_stands_in_for_subreddits_alone(origin_of, source, origin):
    assert origin_of(source, Environment(archive="sample")) == origin


def test_a_subreddit_of_the_sample_is_that_of_its_version(origin_of, tmp_path):
    origin = origin_of("r/carporn", Environment(archive="sample"))
    assert is_sample(origin)
    assert origin == f"sample:{sample_version()}"
    assert not (tmp_path / "root").exists()  # it is read where it lies


@pytest.mark.parametrize("source", ["r/cars", "r/cars+vans", "u/jim", "user/jim/m/x", "urls:cars.txt", "dump:cars.zst"])
def test_a_recorded_archive_is_named_by_its_place(origin_of, archive, source):
    archive.write()
    spelled = archive.folder / ".." / archive.folder.name
    assert origin_of(source, Environment(archive=str(spelled))) == f"archive:{archive.folder}"


def test_folders_are_read_from_the_disk_beside_an_archive(origin_of, archive):
    assert origin_of("folder:cars", Environment(archive=str(archive.folder))) == "folder"


@pytest.mark.parametrize(("source", "row"), [("u/jim", "a"), ("user/jim/m/x|limit=5", "a"), ("r/cars|flair=old", "a")])
def test_posts_of_every_source_of_reddit_are_asked_about(archive, tmp_path, source, row, jpeg):
    archive.add(row, jpeg(1))
    archive.change(row, author="jim", link_flair_text="Old")
    (archive.folder / "multireddits.json").write_text('{"jim/m/x": ["cars"]}')
    environment = Environment(archive=str(archive.folder), data_root=str(tmp_path / "root"))
    reddit, partition = build_resources(environment)["reddit"], Partition("key", "car", Source.model_validate(source))
    with reddit.connect(partition.source, RedditSettings()) as connection:
        scrape(partition, reddit.data.root, connection, RedditSettings(), DownloadSettings())
    with reddit.connect_to_ask(partition, RedditSettings()) as ask:
        assert {name: post.status for name, post in ask([row]).items()} == {row: "kept"}


def test_the_proxy_is_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CIC_PROXY", "http://me:secret@proxy.example:3128")
    reddit = build_resources(Environment(data_root=str(tmp_path)))["reddit"]
    assert isinstance(reddit.proxy, EnvVar)  # the UI shows its name and no password
    given = resource(tmp_path, proxy=reddit.proxy.get_value())
    with given.connect(Source.model_validate("urls:x.txt"), RedditSettings()) as connection:
        assert connection.network.proxy == "http://me:secret@proxy.example:3128"


def resource(tmp_path, **key):
    return RedditResource(data=DataRootResource(url=str(tmp_path)), client_id="id", **key)


def test_the_sample_stands_in_for_subreddits(tmp_path):
    sample, recorded = resource(tmp_path, archive="sample"), resource(tmp_path, archive="/recorded")
    subreddit, listed = (Source.model_validate(text) for text in ("r/cars", "urls:cars.txt"))
    replayed = [sample.replays_sample(subreddit), sample.replays_sample(listed), recorded.replays_sample(subreddit)]
    assert replayed == [True, False, False]


def test_who_runs_it_is_named_to_open_sources(tmp_path):
    environment = Environment(data_root=str(tmp_path), contact="somebody@example.org")
    reddit = build_resources(environment)["reddit"]
    with reddit.connect(Source.model_validate("commons:Tanks"), RedditSettings(), ("cc0",)) as connection:
        assert connection.access.user_agent("Commons").endswith("(somebody@example.org)")
        assert connection.access.licenses == ("cc0",)


def test_an_installed_app_has_no_secret(tmp_path):
    with resource(tmp_path, username="somebody").connect(
        Source.model_validate("r/cars"), RedditSettings(terms_acknowledged=True)
    ) as connection:
        assert connection.reddit.config.client_secret is None


def test_a_missing_user_name_names_its_variable(tmp_path):
    with (
        pytest.raises(BadCredentialsError, match=r"^REDDIT_USERNAME: .* found ''$"),
        resource(tmp_path, client_secret="secret").connect(
            Source.model_validate("r/cars"), RedditSettings(terms_acknowledged=True)
        ),
    ):
        pass


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("true", True), ("false", False)])
def test_choices_of_the_accelerator_are_words_for_dagster(text, value):
    settings = AcceleratorResource(mixed_precision=text, jit=text).settings
    assert (settings.mixed_precision, settings.jit) == (value, value)


def test_the_device_that_trains_is_set_from_outside(tmp_path):
    environment = Environment(data_root=str(tmp_path), device="cpu")
    assert build_resources(environment)["accelerator"].settings.device == "cpu"


def test_an_archive_that_is_none_is_not_tried_again(tmp_path):
    given = RedditResource(data=DataRootResource(url=str(tmp_path)), archive=str(tmp_path / "nowhere"))
    with (
        pytest.raises(Failure, match="nowhere: not an archive") as failure,
        given.connect(Source.model_validate("r/cars"), RedditSettings()),
    ):
        pass
    assert not failure.value.allow_retries


def test_an_engine_that_nobody_answers_for_is_a_failure_in_one_line_and_none_where_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    engine = EngineResource(name="ray").open()
    assert list(engine.each(str, [])) == []
    with pytest.raises(Failure, match="no Ray cluster answers: start one, or name it by RAY_ADDRESS"):
        list(engine.each(str, [1]))


def test_a_step_works_on_no_data_root_of_a_newer_version(tmp_path):
    (tmp_path / "format.json").write_text('{"format": 9}')
    with pytest.raises(Failure, match="is of format 9, and this version of cic-assets knows") as raised:
        _ = DataRootResource(url=str(tmp_path)).root
    assert not raised.value.allow_retries
