"""Requests to the API whose answers must be such as its description has."""

import time

import jsonschema
import requests

from cic_assets.web.predict import ServeSettings
from cic_assets.web.predict.openapi import document

API = document(ServeSettings())


def post(server, path="/api/v1/predict", **given):
    """A request whose answer must be one that the description has."""
    answer = requests.post(f"{server}{path}", timeout=30, **given)
    check(answer, path.partition("?")[0], "post")
    return answer


def get(server, path):
    answer = requests.get(f"{server}{path}", timeout=30)
    check(answer, path, "get")
    return answer


def check(answer, path, method):
    described = API["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    if schema := described[kind].get("schema"):
        jsonschema.Draft202012Validator({**schema, "components": API["components"]}).validate(answer.json())


def wait_until(happened, seconds=10):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)
