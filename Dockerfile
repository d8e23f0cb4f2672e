# Built in two steps, so that no compiler reaches the image that runs.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# --build-arg REQUIREMENTS=otel adds what sends traces and metrics to OpenTelemetry (docs/telemetry.md).
ARG REQUIREMENTS=runtime
COPY requirements requirements
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/$REQUIREMENTS.txt
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY classifier classifier
COPY service service
COPY training training
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home steward && install --directory --owner steward /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 STEWARD_HOST=0.0.0.0 STEWARD_DATA_DIR=/data
USER steward
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.getenv(\"STEWARD_PORT\", 8080)}/livez', timeout=2)"]
ENTRYPOINT ["steward"]
CMD ["serve"]
