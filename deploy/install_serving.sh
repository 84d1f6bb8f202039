#!/bin/sh
# What `cic serve` and `cic predict` need of exported models, into an environment: no TensorFlow, no Dagster.
#
#     deploy/install_serving.sh ENVIRONMENT
#
# From the checkout, with uv at hand. Versions are those of uv.lock, and each file has the hash that it names there.
set -eu
cd "$(dirname "$0")/.."

# Scraping, the graph, and what tells of them; training is an extra.
without="dagster dagster-webserver praw prawcore requests imagehash matplotlib apprise rich cleanlab scikit-learn scipy onnx"
pruned=$(printf -- '--prune %s ' $without)

requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT
# OpenCV is that of the group `container`, which has no windows: they need libraries of a desktop.
# shellcheck disable=SC2086  # a word each
uv export --quiet --frozen --no-dev --group container --no-emit-package opencv-python --no-emit-project $pruned \
    --output-file "$requirements"
uv pip install --quiet --python "$1" --require-hashes --requirement "$requirements"
uv pip install --quiet --python "$1" --no-deps .
