#!/bin/sh
# Set up the clients in var/checkers: python in venv/, node in node/. Does nothing when all is done.
# usage: setup.sh [python|node]   both if none is named
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place="$here/../../var/checkers"
what=${1:-both}
mkdir -p "$place/node"

if [ "$what" != node ] && ! cmp -s "$here/requirements.txt" "$place/venv/installed.txt"; then
    python=${PYTHON:-python3}
    [ -x "$place/venv/bin/python" ] || "$python" -m venv "$place/venv"
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$place/venv/installed.txt"
fi

if [ "$what" != python ] && ! cmp -s "$here/package.json" "$place/node/installed.json"; then
    command -v npm >/dev/null || { echo "npm is not there; install Node.js 20" >&2; exit 1; }
    cp "$here/package.json" "$place/node/package.json"
    npm install --prefix "$place/node" --no-audit --no-fund --loglevel=error >&2
    cp "$here/package.json" "$place/node/installed.json"
fi
