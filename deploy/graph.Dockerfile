# Runs the whole graph, with the UI and daemon: `docker build -f deploy/graph.Dockerfile -t cic-graph .` from the checkout.
# Training is in it, and what a bucket and PostgreSQL need; `--build-arg EXTRAS="--extra train --extra ray"` has others.
# deploy/compose.yaml runs it on one host, deploy/kubernetes.yaml on a cluster.
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock ./
ARG EXTRAS="--extra train --extra s3 --extra postgres"
ENV UV_PROJECT_ENVIRONMENT=/app
# Versions are those of uv.lock, and each file has the hash that it names there. EXTRAS has several words.
# OpenCV is that of the group `container`, which has no windows: they need libraries of a desktop.
# hadolint ignore=SC2086
RUN uv sync --quiet --frozen --no-dev --group container --no-install-package opencv-python --no-install-project --compile-bytecode $EXTRAS
# The package by itself: code that changed is a layer of some MB, and what it needs, of GB, stays as it was.
COPY README.md LICENSE ./
COPY deploy deploy
COPY cic_assets cic_assets
RUN uv pip install --quiet --no-deps --compile-bytecode --python /app --prefix /package .

FROM python:3.12-slim
# Python's own library comes uncompiled, and who runs it may not write there: each process would compile it anew.
# In its home lie Dagster's files of a data root in a bucket, and what a training keeps between its steps.
RUN python -m compileall -q -j 0 /usr/local/lib/python3.12 \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin cic
COPY --from=build /app /app
COPY --from=build /package /app
USER 10001
WORKDIR /home/cic
ENV PATH=/app/bin:$PATH HOME=/home/cic PYTHONUNBUFFERED=1
EXPOSE 3000 9464
ENTRYPOINT ["cic"]
# The UI knows no passwords: publish its port to this host alone, or put a proxy before it that asks for one.
CMD ["dev", "--host", "0.0.0.0"]
