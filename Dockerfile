# The image of every process of ours: `docker compose build`. Packages come as wheels, so that no
# stage needs a compiler.
FROM python:3.11.13-slim-bookworm AS packages
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --only-binary :all: -r /tmp/requirements.txt

FROM python:3.11.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/tmp/etl \
    STATIC_ROOT=/srv/etl/collected
RUN groupadd --gid 10001 etl \
    && useradd --uid 10001 --gid etl --no-create-home --home-dir /tmp --shell /usr/sbin/nologin etl
WORKDIR /srv/etl
COPY --from=packages /opt/venv /opt/venv
COPY manage.py requirements.txt ./
COPY common common
COPY tenants tenants
COPY integrations integrations
COPY mappings mappings
COPY warehouse warehouse
COPY notices notices
COPY jobs jobs
COPY etl_project etl_project
COPY sandbox sandbox
COPY templates templates
COPY static static
COPY docs/openapi.yaml docs/openapi.yaml
# The key is of the build only: with none of its own the build would leave one in the image.
RUN SECRET_KEY=build VAR_DIR=/tmp/build python manage.py collectstatic --noinput \
    && rm -rf /tmp/build \
    && python -m compileall -q /srv/etl
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "etl_project.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--ws-per-message-deflate", "false", "--ws-max-size", "65536", "--timeout-graceful-shutdown", "10"]
