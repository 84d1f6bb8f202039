import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.evaluation import formats, notices, wording

from .conftest import numbers_of


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.985, "98.5 %"), (1.0, "100.0 %"), (0.99999, "99.9 %"), (0.0, "0.0 %"), (0.00001, "0.1 %"), (None, "n/a")],
)
def test_percent(share, text):
    assert formats.percent(share) == text


@given(st.floats(0, 1))
def test_percent_says_all_or_nothing_only_of_all_or_nothing(share):
    assert (formats.percent(share) == "100.0 %") == (share == 1)
    assert (formats.percent(share) == "0.0 %") == (share == 0)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (411_000_000, "411 MB"),
        (999_600_000, "1 GB"),
        (1_540_000_000, "1.54 GB"),
        (9.99e12, "9.99 TB"),
        (None, "n/a"),
    ],
)
def test_size(count, text):
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.034, "0.034 s"),
        (9.7, "9.7 s"),
        (59.6, "60 s"),
        (61.5, "1 min 02 s"),
        (192, "3 min 12 s"),
        (7380, "2 h 03 min"),
        (None, "n/a"),
    ],
)
def test_duration(seconds, text):
    assert formats.duration(seconds) == text


def test_amount_and_count():
    assert [formats.amount(n) for n in (12, 999_700, 3_400_000, 27e9)] == ["12", "1 M", "3.4 M", "27 G"]
    assert [formats.count_of(n, "copy", "copies") for n in (0, 1, 2)] == ["0 copies", "1 copy", "2 copies"]
    assert formats.count_of(1303, "picture") == "1,303 pictures"


def test_minus():
    assert [formats.minus(n) for n in (0, 31)] == ["0", "\N{MINUS SIGN}31"]


def test_p_value():
    assert [formats.p_value(p) for p in (1.0, 0.0321, 0.0009)] == ["1", "0.032", "< 0.001"]


class TestAnswer:
    def test_says_how_many_how_sure_against_what_and_why_this_one(self, report):
        data = report.data
        model, text = data.models["xception"], data.answer.text
        assert f"{model.right} of {model.n} test pictures" in text
        assert formats.interval(model.accuracy_ci) in text
        assert "Always answering" in text
        assert "learned to tell them apart" in text
        assert f"best by its {model.validation_n} validation pictures" in text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({}, " the lowest loss (0.2), 90.0 % right."),
            (
                {"validation_accuracy": 0.99},
                " 90.0 % right. VGG had more right (99.0 %) and a higher loss, which counts how sure each answer was.",
            ),
            (
                {"validation_calibrated_loss": 0.1},
                " the lowest loss (0.2), 90.0 % right.",
            ),  # of one alone it says nothing
            ({"validation_loss": 0.2}, " VGG came to the same loss: accuracy decided, then the name."),
            (
                {"validation_loss": 0.1, "random_weights": True},
                " VGG did no worse, but had to do without pretrained weights.",
            ),
        ],
    )
    def test_says_which_rule_decided(self, report, changes, said):
        equal = {"validation_accuracy": 0.9, "validation_loss": 0.3, "random_weights": False, "best_epoch": 4}
        models = {name: report.data.models[name].model_copy(update=equal) for name in ("vgg", "xception")}
        models["xception"] = models["xception"].model_copy(update={"validation_loss": 0.2})
        models["vgg"] = models["vgg"].model_copy(update=changes)
        answer = wording.answer("xception", models, report.data.dataset)
        assert answer.statements["How it was chosen"].endswith(said)

    def test_says_the_loss_that_decided(self, report):
        models = {
            name: report.data.models[name].model_copy(
                update={"validation_loss": plain, "validation_calibrated_loss": put_right, "best_epoch": 4}
            )
            for name, plain, put_right in [("vgg", 0.2, 0.19), ("xception", 0.3, 0.123)]
        }
        said = wording.answer("xception", models, report.data.dataset).statements["How it was chosen"]
        assert "the lowest loss (0.123)" in said
        assert "VGG" not in said.partition("the lowest loss")[2].partition("had more right")[0]

    def test_says_where_validation_chose_among_epochs_too(self, report):
        models = {name: model.model_copy(update={"best_epoch": 2}) for name, model in report.data.models.items()}
        answer = wording.answer("xception", models, report.data.dataset)
        assert "Its epoch was chosen by them too" in answer.statements["How it was chosen"]

    def test_a_rare_class_that_is_told_apart_was_learned_whatever_the_largest_class_gives(self, report):
        """180 cars and 20 tanks, 85 % of each found: 17 of 20 tanks are no chance, though "car" is right more often."""
        model = report.data.models["vgg"].model_copy(
            update={
                "accuracy": 0.85, "accuracy_ci": (0.794, 0.893), "majority_baseline": 0.9, "above_majority": False,
                "balanced_accuracy": 0.85, "independence_p": 3e-10,
            }
        )  # fmt: skip
        text = wording.answer("vgg", {"vgg": model}, report.data.dataset).statements["Against guessing"]
        assert "is not below that interval" in text
        assert "it tells the classes apart: on average it finds 85.0 % of a class" in text
        assert "(p < 0.001)" in text
        (notice,) = notices.notices(report.data.dataset, {"vgg": model})
        assert "As to VGG, it tells the classes apart" in notice.text

    def test_admits_that_nothing_was_learned(self, new_world):
        world = new_world()
        world.write_model("vgg", skill=0.5, seed=3)
        data = numbers_of(world)
        assert not data.answer.above_majority
        assert "do not show that it learned anything" in data.answer.text
        assert [notice.kind for notice in data.notices] == ["not_above_majority"]
        assert "always giving the same answer: VGG." in data.notices[0].title
        assert "the only model" in data.answer.text

    def test_names_all_that_learned_nothing_in_one_notice(self, report):
        models = {
            name: model.model_copy(update={"above_majority": name == "xception"})
            for name, model in report.data.models.items()
        }
        (notice,) = notices.notices(report.data.dataset, models)
        assert notice.title.endswith("the same answer: VGG and Peetz Net.")

    def test_pairs(self, report):
        data = report.data
        pair = data.comparisons[0]
        undecided = pair.model_copy(update={"p_value_adjusted": 0.3})
        decided = pair.model_copy(update={"p_value_adjusted": 0.0001, "only_first": 1, "only_second": 20})
        assert "do not decide between VGG and Peetz Net." in wording.comparison(undecided, data.models)
        assert wording.comparison(decided, data.models) == "Peetz Net is better than VGG."

    @pytest.mark.parametrize(
        ("sure", "chance", "word"),
        [
            (0.9, 0.01, "too sure"),
            (0.81, 0.7, "as sure as it is right"),
            (0.9, 0.06, "as sure as it is right"),
            (0.6, 0.01, "too modest"),
        ],
    )
    def test_calibration(self, report, sure, chance, word):
        model = report.data.models["vgg"]
        seen = model.calibration.before.model_copy(update={"mean_confidence": sure, "gap_p": chance})
        part = model.calibration.model_copy(update={"before": seen})
        text = wording.calibration(model.model_copy(update={"accuracy": 0.8, "calibration": part}))
        assert f"{100 * sure:.1f} % sure and 80.0 % right: {word}" in text

    def test_the_pairs_that_are_confused_most_come_first(self, report):
        score = report.data.models["vgg"].per_class["car"].model_copy(update={"support": 9})
        update = {
            "confusion": [[5, 3, 0], [1, 9, 2], [0, 2, 8]],
            "per_class": dict.fromkeys(("car", "tank", "van"), score),
        }
        model = report.data.models["vgg"].model_copy(update=update)
        assert wording.most_confused(model, ["car", "tank", "van"], most=3) == [
            "3 of 9 car said to be tank", "2 of 9 tank said to be van", "2 of 9 van said to be tank"
        ]  # fmt: skip

    def test_a_calibration_error_is_called_out_beyond_that_of_chance(self, report):
        seen = report.data.models["vgg"].calibration.before.model_copy(update={"if_calibrated_highest": 0.09})
        assert wording.is_beyond_chance(seen.model_copy(update={"error": 0.2}))
        assert not wording.is_beyond_chance(seen.model_copy(update={"error": 0.08}))

    def test_sets_that_do_not_hold_are_said_not_to(self, report):
        part = report.data.models["vgg"].calibration.plausible["90"]
        assert not wording.holds(part.model_copy(update={"coverage_ci": (0.7, 0.85)}))
        assert wording.holds(part.model_copy(update={"coverage_ci": (0.85, 0.93)}))


@pytest.mark.parametrize(
    ("labels", "offered", "heading"),
    [
        (["r/cars", "dump:cars.zst"], "posts", "When they were posted"),
        (["folder:a", "folder:b"], "files", "When their files were last changed"),
        (["folder:a", "kaggle:b"], "files", "When their files were last changed"),
        (["r/cars", "folder:b"], "posts and files", "When they were posted, or their file last changed"),
        (["urls:a.csv", "folder:b"], "links and files", "When their files were last changed"),
    ],
)
def test_what_was_looked_at_goes_by_the_kinds_of_sources(report, labels, offered, heading):
    part = next(iter(report.data.dataset.sources.values()))
    sources = {label: part.model_copy(update={"label": label}) for label in labels}
    dataset = report.data.dataset.model_copy(update={"sources": sources})
    assert wording.looked_at(dataset) == offered
    assert wording.when_posted(dataset) == heading
