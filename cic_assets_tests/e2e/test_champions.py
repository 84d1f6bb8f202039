"""Versions of models from the command line: trained again, listed, compared, chosen, and what follows from that."""

import hashlib
import json

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]


def cic(finished, *arguments):
    result = finished.run("cic", *arguments)
    assert result.returncode == 0, result.stderr
    return result


def listed(finished):
    found = json.loads(cic(finished, "models", "list", "--json").stdout)
    return [one for one in found if one["model"] == "vgg"]


def champion(finished):
    """By the list, by the files where they always lay, and by what an answer says."""
    (one,) = [one for one in listed(finished) if one["champion"]]
    folder = finished.root / "models" / "vgg"
    card = json.loads((folder / "card.json").read_text())
    assert hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest() == card["sha256"]
    answer = json.loads(cic(finished, "predict", "--json", "--model", "vgg", str(finished.picture())).stdout)[0]
    assert answer["version"] == one["version"]
    assert card["sha256"].startswith(one["version"].rpartition("-")[2])
    return one["version"]


def report(finished):
    return json.loads((finished.root / "report" / "report.json").read_text())["models"]["vgg"]


def test_a_model_is_trained_again_and_a_person_goes_back(own_finished):
    finished = own_finished
    first = champion(finished)
    assert (report(finished)["version"], report(finished)["answering"]) == (first, None)

    asked = yaml.safe_load(finished.problem.read_text())
    for settings in (asked, asked["presets"]["demo"]):
        settings["models"]["vgg"]["seed"] = 7
    finished.problem.write_text(yaml.safe_dump(asked, sort_keys=False))
    said = cic(finished, *finished.run_arguments).stderr
    assert len(listed(finished)) == 2
    second = next(one["version"] for one in listed(finished) if one["version"] != first)
    # Of a dozen test pictures few tell anything.
    assert f"vgg: version {second} answers from now on, as too few pictures" in said
    assert champion(finished) == second
    assert report(finished)["version"] == second

    words = cic(finished, "models", "compare", f"vgg@{first}", "vgg").stdout
    assert f"that neither has learned from, vgg {first} names" in words
    compared = json.loads(cic(finished, "models", "compare", f"vgg@{first}", "vgg", "--json").stdout)
    assert compared["second"] == {"model": "vgg", "version": second, "champion": True}
    assert compared["pictures"] == report(finished)["n"]

    told = cic(finished, "models", "rollback", "vgg", "--reason", "it was fine").stdout
    assert told == f"vgg: {first} answers from now on, in place of {second}\n"
    assert champion(finished) == first
    (decision,) = [one["decision"] for one in listed(finished) if one["version"] == first]
    assert (decision["kind"], decision["reason"], decision["over"]) == ("rollback", "it was fine", second)

    # The report names another version: it is made again, and nothing else.
    said = cic(finished, *finished.run_arguments).stderr
    assert "] Evaluating" in said
    assert "] Training" not in said
    assert report(finished)["version"] == first

    cic(finished, "models", "promote", "vgg", second[-8:], "--json")
    assert champion(finished) == second
    assert "] Evaluating" in cic(finished, *finished.run_arguments).stderr
    assert "] Evaluating" not in cic(finished, *finished.run_arguments).stderr
