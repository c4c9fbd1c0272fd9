# Every target in a line: make help
PYTHON ?= python3
BIN := .venv/bin
ITEMS ?= 20000
PREVIEW_ITEMS ?= 1000000
API_ITEMS ?= 1000000
SECONDS ?= 60
SOCKETS ?= 1000
SCHEMATHESIS_SECONDS ?= 600
ENV_FILE ?= deploy/local.env

.DEFAULT_GOAL := help
.PHONY: help setup demo services up down secrets test test-thorough lint format lock bench bench-preview bench-api bench-sockets distant checkers memory faults schema test-api test-browser screenshots

help: ## Show every target in a line each
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1\t/' | expand -t 14

.venv/ready: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one by: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

setup: .venv/ready ## Make the virtual environment with runtime and development packages

demo: setup ## Import the demo recordings in front of you and serve the site (DEMO="--port 8001")
	$(BIN)/python manage.py demo $(DEMO)

services: setup ## See that PostgreSQL, RabbitMQ and Redis run on this machine, as deploy/local.env says
	$(BIN)/python -m deploy.services

up: setup ## Run everything on those servers in front of you (UP="--demo --port 8001")
	@ENV_FILE=$(ENV_FILE) $(BIN)/python manage.py up $(UP)

down: setup ## Stop what `make up` started
	@ENV_FILE=$(ENV_FILE) $(BIN)/python manage.py down

secrets: ## Make the passwords and keys that docker-compose.yml reads, once
	@$(PYTHON) deploy/make_secrets.py

test: setup ## Run all tests; those of PostgreSQL, RabbitMQ, Redis and the browser where they can run
	sh tests/run.sh

test-thorough: setup ## Run the cases that `make test` leaves out, for they vary what others of it hold
	VAR_DIR=$(CURDIR)/var/test $(BIN)/python -m pytest -n 2 --dist loadfile -m thorough

lint: setup ## Check style, types, import contracts and missing migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

format: setup ## Put the code in the agreed form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup ## Compile requirements*.in into exact pins
	$(BIN)/uv pip compile --quiet --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --no-header requirements-dev.in -o requirements-dev.txt

bench: setup ## Measure the import beside the COPY limit and dlt, on PostgreSQL (ITEMS=20000)
	$(BIN)/python benchmarks/bench.py --items $(ITEMS)

bench-preview: setup ## Measure previews and saves of edits on 1,000,000 work items, on PostgreSQL (PREVIEW_ITEMS=)
	$(BIN)/python benchmarks/preview.py --items $(PREVIEW_ITEMS)

schema: setup ## Write docs/openapi.yaml anew
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

test-api: setup ## Let Schemathesis try every operation as each role (SCHEMATHESIS_SECONDS=600)
	SCHEMATHESIS_SECONDS=$(SCHEMATHESIS_SECONDS) $(BIN)/python -m pytest tests/api/test_schemathesis.py

bench-api: setup ## Measure reads of the API on 1,000,000 work items, 50 a second, on PostgreSQL (API_ITEMS= SECONDS=)
	$(BIN)/python benchmarks/api.py --items $(API_ITEMS) --seconds $(SECONDS)

bench-sockets: setup ## Measure 1,000 sockets on one web process, and imports with and without 100 watchers (SOCKETS=)
	$(BIN)/python benchmarks/sockets.py --sockets $(SOCKETS)

distant: setup ## Measure the sync of a source that answers 100 ms late with 1, 2 and 4 workers
	$(BIN)/python benchmarks/live.py

checkers: setup ## Let published Jira and GitHub clients read the sandbox, in environments of their own
	$(BIN)/python -m pytest tests/checkers

memory: setup ## Show that 100,000 items take no more memory than 20,000
	$(BIN)/python benchmarks/memory.py

faults: setup ## Break processes and servers in the middle of runs of 20,000 items; say how soon each went on
	FAULT_ITEMS=$(ITEMS) CHAOS_SECONDS=120 $(BIN)/python -m pytest tests/faults

test-browser: setup ## Do in a browser what people do, with a mouse and on a phone
	$(BIN)/python -m pytest tests/browser

screenshots: setup ## Take a picture of each page, light and dark, on a laptop and a phone (ONLY=inbox)
	$(BIN)/python benchmarks/screenshots.py --only "$(ONLY)"
