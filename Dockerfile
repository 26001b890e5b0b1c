# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    PATH=/opt/venv/bin:$PATH
WORKDIR /srv/authsvc

FROM base AS dependencies
# hadolint ignore=DL3013
RUN pip install --no-cache-dir uv
COPY pyproject.toml README.md ./
# The exact versions stand in pyproject.toml, so resolving gives the same tree each time.
RUN uv sync --no-dev --no-install-project --no-cache

FROM base AS web
RUN groupadd --gid 10001 authsvc \
    && useradd --uid 10001 --gid authsvc --create-home --shell /usr/sbin/nologin authsvc \
    && install -d -o authsvc -g authsvc /var/lib/authsvc
COPY --from=dependencies /opt/venv /opt/venv
COPY manage.py pyproject.toml ./
COPY authsvc authsvc
COPY vault vault
COPY flows flows
COPY templates templates
COPY static static
ENV AUTHSVC_DATA_DIR=/var/lib/authsvc
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["uvicorn", "authsvc.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "10", "--ws-per-message-deflate", "false"]

FROM web AS worker
USER 0:0
# The packages of authsvc/system.py, fonts so that pages look as they do elsewhere, and a process that reaps children.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        chromium \
        chromium-headless-shell \
        fonts-liberation \
        fonts-noto-cjk \
        fonts-noto-color-emoji \
        libegl1 \
        libgl1-mesa-dri \
        tini \
        xvfb \
    && rm -rf /var/lib/apt/lists/*
# The second line of defence behind flows/engine/cdp_rules.py.
RUN install -d /etc/chromium/policies/managed \
    && printf '{"URLBlocklist": ["file://*"], "DownloadRestrictions": 3}' \
        > /etc/chromium/policies/managed/authsvc.json
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 \
    CMD ["sh", "-c", "celery -A authsvc --quiet inspect ping --destination celery@$HOSTNAME"]
ENTRYPOINT ["tini", "-g", "--"]
CMD ["celery", "-A", "authsvc", "--quiet", "worker", "--without-gossip", "--without-mingle"]
