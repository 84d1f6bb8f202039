"""The API in words that programs read: OpenAPI 3.1, and `/docs` for people out of the same."""

from typing import Any

from cic_assets.domain.models import FULL, PRECISIONS
from cic_assets.web.predict.bodies import MAX_URL
from cic_assets.web.predict.settings import ServeSettings

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TEXT_OR_NONE: Json = {"type": ["string", "null"]}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SHA256: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_YES: Json = {"type": "boolean"}

_WHY = {
    400: "The request is not what is described here",
    401: "A token is needed",
    403: "A page of another site asks",
    404: "There is nothing here",
    408: "The request took too long to arrive",
    409: "The receipt is of an earlier start of the server, or the picture is another one: ask for a prediction again",
    413: "A picture, or the request, is too large",
    415: "The body is not JSON",
    422: "No picture of the request could be read; its `error` says why",
    429: "Too many requests from this address: wait `Retry-After` seconds",
    503: "The server is full, or loads its models: wait `Retry-After` seconds",
}


def document(settings: ServeSettings) -> Json:
    """The description of the API of a server with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cic serve",
            "version": "1",
            "summary": "What trained classifiers say of pictures.",
            "description": "Nothing that is sent is kept, unless a review says so.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}] if not settings.token else [{"token": []}],
        "paths": _paths(settings),
        "components": {"schemas": _schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _paths(settings: ServeSettings) -> Json:
    return {
        "/api/v1/predict": {"post": _predict(settings)},
        "/api/v1/models": {"get": _get("models", "Which models answer, the best first", "Models", 503)},
        "/api/v1/reviews": {"post": _review(settings)},
        "/health": {"get": _open(_get("health", "Whether the server is up", "Status"))},
        "/ready": {"get": _open(_get("ready", "Whether the models are loaded", "Status", 503))},
        "/metrics": {"get": _plain("metrics", "Counters and times, as Prometheus reads them", "text/plain")},
        "/openapi.json": {"get": _plain("openapi", "This description", "application/json")},
        "/docs": {"get": _plain("docs", "This description, for people", "text/html")},
        "/": {"get": _plain("page", "The page", "text/html", 503)},
        "/predict": {"post": _first_predict()},
    }


def _predict(settings: ServeSettings) -> Json:
    binary: Json = {"schema": {"type": "string", "format": "binary", "maxLength": settings.max_upload}}
    several: Json = {
        "type": "object",
        "description": f"Files under any names, {settings.most_files} at most, {settings.max_request} bytes in all.",
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    return {
        "operationId": "predict",
        "summary": "What the models say of pictures",
        "description": (
            "Send one picture as the body, several as a form, or the URL of one. Answers come in the order of the "
            "pictures; one that cannot be read has an `error` and does not stop the others."
        ),
        "parameters": [
            _flag("seen", "also the picture as the models see it, as a data URL"),
            _flag("thumbnails", "also the nearest training pictures, small, where the data root has them"),
            _flag("maps", "also what each place of the picture says for each class, of the models that can tell"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": binary,
                "image/*": binary,
                "multipart/form-data": {"schema": several},
                "application/json": {"schema": _object({"url": {**_TEXT, "format": "uri", "maxLength": MAX_URL}})},
            },
        },
        "responses": {
            "200": _json("At least one picture has an answer", "Answers"),
            "422": _json(_WHY[422], "Answers"),
            **_refusals(400, 401, 403, 408, 413, 429, 503),
        },
    }


def _first_predict() -> Json:
    return {
        "operationId": "firstPredict",
        "summary": "The same for one picture, as it was before there was `/api/v1`",
        "deprecated": True,
        "parameters": [{"name": "x-cic", "in": "header", "required": True, "schema": _TEXT}],
        "requestBody": {"$ref": "#/paths/~1api~1v1~1predict/post/requestBody"},
        "responses": {
            "200": _json("What the models say", "FirstAnswer"),
            "422": _json(_WHY[422], "FirstAnswer"),
            **_refusals(400, 401, 403, 408, 413, 429, 503),
        },
    }


def _review(settings: ServeSettings) -> Json:
    picture = {**_TEXT, "contentEncoding": "base64", "description": f"its {settings.max_upload} bytes at most"}
    truth = {**_TEXT_OR_NONE, "description": "the right class; null for none of them"}
    schema = _object(
        {
            "receipt": {**_TEXT, "description": "that came with the answer"},
            "label": truth,
            "keep": {**_YES, "default": False, "description": "whether the picture itself may be kept"},
            "picture": {**picture, "description": "where it may be kept and was not named by its URL"},
        },
        required=["receipt", "label"],
    )
    return {
        "operationId": "review",
        "summary": "Say that an answer is wrong",
        "description": "For the list that a person looks through. Without `keep` nothing of the picture is stored.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "201": _json("It is on the list", "Reviewed"),
            **_refusals(400, 401, 403, 404, 408, 409, 413, 415, 429, 503),
        },
    }


def _nearest() -> Json:
    return _object(
        {
            "sha256": _SHA256,
            "label": {**_TEXT, "description": "its class"},
            "distance": {"type": "number", "minimum": 0, "description": "0 the same, 1 nothing in common"},
            "permalink": {**_TEXT, "description": "of its post; empty without one"},
            "title": {**_TEXT, "description": "of its post; empty without one"},
            "thumbnail": {**_TEXT_OR_NONE, "description": "a JPEG as a data URL, where it was asked for and is there"},
        }
    )


def _schemas() -> Json:
    prediction = _object(
        {
            "model": _TEXT,
            "precision": {"enum": [FULL, *PRECISIONS], "description": "of the model"},
            "version": {**_TEXT, "description": "of the model"},
            "label": {**_TEXT, "description": "the most probable class"},
            "probability": {**_SHARE, "description": "of that class"},
            "probabilities": {"type": "object", "additionalProperties": _SHARE, "description": "of every class"},
            "calibrated_probability": {
                "anyOf": [_SHARE, {"type": "null"}],
                "description": "of the label, put right by validation pictures; null where the model knows none",
            },
            "plausible": {
                "type": "object",
                "description": "by level in %: the classes one of which is right at that rate; there may be none",
                "additionalProperties": {"type": "array", "items": _TEXT},
            },
            "none_of_these": {
                "type": ["boolean", "null"],
                "description": "it looks like nothing that the model learned from; null where it cannot tell",
            },
            "outlier_score": {
                "type": ["number", "null"],
                "minimum": 0,
                "description": "how far it is from that: above 1 it is none of these; null likewise",
            },
            "nearest": {
                "type": "array",
                "items": _ref("Nearest"),
                "description": "pictures that the model learned from, the nearest first; none where it cannot tell",
            },
        }
    )
    grid = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    answer = _object(
        {
            "name": {**_TEXT, "description": "the file's name, or the URL"},
            "sha256": {"anyOf": [_SHA256, {"type": "null"}], "description": "of the picture's bytes"},
            "error": {**_TEXT_OR_NONE, "description": "why it could not be read"},
            "predictions": {"type": "array", "items": _ref("Prediction"), "description": "one a model, the best first"},
            "receipt": {**_TEXT_OR_NONE, "description": "for a review of it"},
            "seen": {**_TEXT_OR_NONE, "description": "a JPEG of what the models see, as a data URL"},
            "maps": {
                "type": "object",
                "description": "by model and class: rows of places, each with what speaks for the class there",
                "additionalProperties": {"type": "object", "additionalProperties": grid},
            },
        },
        required=["name", "sha256", "error", "predictions", "receipt"],
    )
    first = _object(
        {
            "predictions": {"type": "array", "items": {"type": "object"}},
            "seen": _TEXT_OR_NONE,
            "error": _TEXT_OR_NONE,
        }
    )
    model = _object(
        {
            "name": _TEXT,
            "version": {**_TEXT, "description": "of the model, as `cic models list` has it"},
            "sha256": _SHA256,
            "labels": {"type": "array", "items": _TEXT},
            "validation_accuracy": _SHARE,
            "data_version": _TEXT,
            "random_weights": {**_YES, "description": "it had to do without pretrained weights, and is of no use"},
            "has_activation_map": {**_YES, "description": "it can say which places of a picture speak for which class"},
            "takedowns": {**_TEXT_OR_NONE, "description": "what it has seen that is not there any more"},
        }
    )
    return {
        "Prediction": prediction,
        "Nearest": _nearest(),
        "Answer": answer,
        "Answers": _object({"answers": {"type": "array", "items": _ref("Answer")}}),
        "FirstAnswer": first,
        "Model": model,
        "Models": _object(
            {
                "models": {"type": "array", "items": _ref("Model")},
                "drawn": {**_YES, "description": "they were trained on the drawn sample"},
            }
        ),
        "Reviewed": _object({"sha256": _SHA256, "kept": {**_YES, "description": "the picture is kept, as was agreed"}}),
        "Status": _object({"status": _TEXT}),
        "Error": _object({"error": {**_TEXT, "description": "why there is no answer"}}),
    }


def _object(properties: Json, required: list[str] | None = None) -> Json:
    wanted = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": wanted, "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _refusals(*codes: int) -> Json:
    return {str(code): _json(_WHY[code], "Error") for code in codes}


def _flag(name: str, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {**_YES, "default": False}}


def _get(operation: str, summary: str, schema: str, *codes: int) -> Json:
    answers = {"200": _json(summary, schema), **_refusals(401, 429, *codes)}
    return {"operationId": operation, "summary": summary, "responses": answers}


def _plain(operation: str, summary: str, kind: str, *codes: int) -> Json:
    answers = {"200": {"description": summary, "content": {kind: {}}}, **_refusals(401, 429, *codes)}
    return {"operationId": operation, "summary": summary, "responses": answers}


def _open(operation: Json) -> Json:
    """Without a token, at any rate."""
    codes = {code: answer for code, answer in operation["responses"].items() if code not in ("401", "429")}
    return {**operation, "security": [], "responses": codes}
