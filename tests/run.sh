#!/bin/sh
# Runs every test that can run here, on the embedded default and then on the servers that can be
# reached, and says at the end what ran and what did not. With CI=true a missing server fails.
cd "$(dirname "$0")/.." || exit 1
PYTHON=.venv/bin/python
export VAR_DIR="${TEST_VAR_DIR:-$PWD/var/test}"
unset DATABASE_URL BROKER_URL RABBITMQ_URL RABBITMQ_HOST CHANNEL_LAYER_URL CACHE_URL QDRANT_URL
mkdir -p "$VAR_DIR"

there=$($PYTHON -m tests.services) || exit 1
missing=""
for service in PostgreSQL RabbitMQ Redis Chromium; do
    case "$there" in *"$service"*) ;; *) missing="$missing $service" ;; esac
done
if [ "$CI" = true ] && [ -n "$missing" ]; then
    echo "CI must reach all services; missing:$missing"
    exit 1
fi

failed=0
told=""
run() {
    name=$1
    shift
    echo "== $name"
    begun=$(date +%s)
    if "$@"; then result=passed; else result=FAILED; failed=1; fi
    told="$told
  $result in $(($(date +%s) - begun)) s: $name"
}

# Files are shared out among two processes, in the order in which they are named.
slowest="--durations=15 --durations-min=5"
both="-n 2 --dist loadfile --no-loadscope-reorder"
run "embedded: SQLite, in-process broker" $PYTHON -m pytest $both $slowest -m "not postgres and not thorough" "$@"
case "$there" in *PostgreSQL*)
    # A database that does not exist: pytest makes test_etl, and nothing else may be written to.
    url=${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}
    url="${url%/*}/etl"
    # Of the live tests those that are about what is stored and by whom; how sources behave is the
    # same on every database.
    rooms="tests/jobs tests/etl_project"
    for name in crashes histories ledger modes rebuild replay vanished; do
        rooms="$rooms tests/live/test_$name.py"
    done
    # Of those of the admin, those of pages that ask more than a list does.
    for name in explain_page fields home inbox_page queries rules_large twins; do
        rooms="$rooms tests/admin/test_$name.py"
    done
    # Of those of the API, those that lock, count, or read by SQL of their own.
    for name in auth bad_requests changed_since idempotency lost_updates mappings runs work_items; do
        rooms="$rooms tests/api/test_$name.py"
    done
    rooms="$rooms tests/notices/test_courier.py tests/mappings tests/path tests/warehouse"
    run "database: what it can make a difference to, on PostgreSQL" env DATABASE_URL="$url" \
        $PYTHON -m pytest $both $slowest --create-db -m "not rabbitmq and not redis and not thorough" $rooms "$@"
    # First what takes long.
    rooms="tests/browser/test_live_runs.py tests/live/test_killed_workers.py tests/deploy/test_up.py"
    rooms="$rooms tests/live/test_processes.py"
    rooms="$rooms tests/end_to_end tests/deploy/test_commands.py tests/jobs tests/etl_project"
    run "services: processes on PostgreSQL, RabbitMQ and Redis" env DATABASE_URL="$url" \
        $PYTHON -m pytest $both $slowest --create-db -m "rabbitmq or redis" $rooms "$@"
    # Alone, for it measures seconds; on servers that it starts and breaks itself.
    run "faults: processes and servers killed, frozen, emptied" $PYTHON -m pytest $slowest tests/faults "$@"
esac

echo
echo "What ran:$told"
echo "More cases of the same, which take as long again: make test-thorough"
if [ -n "$missing" ]; then
    echo "DID NOT RUN, for it cannot be reached:$missing"
fi
exit $failed
