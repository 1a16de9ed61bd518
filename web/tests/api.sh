#!/usr/bin/env bash
# The OpenAPI document against the running program (orders.md §9): requests are made from the document itself, valid and
# broken ones, and every answer must be one that the document names; none is a 500.
#   web/tests/api.sh PATH/TO/namoyish [EXAMPLES]
# Needs python3 with venv; the seed is fixed, so that a failure can be repeated.
set -euo pipefail
program=$(realpath "${1:-target/release/namoyish}")
examples=${2:-30}
folder=$(mktemp -d)
tools=${NAMOYISH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/namoyish-tools}
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

if [ ! -x "$tools/bin/schemathesis" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet "schemathesis>=4.32,<5"
fi
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
orders=$(free_port)
delivery=$(free_port)
metrics=$(free_port)
NAMOYISH_ORDERS__LISTEN=127.0.0.1:$orders NAMOYISH_ORDERS__PUBLIC_URL=http://127.0.0.1:$orders \
    NAMOYISH_DELIVERY__LISTEN=127.0.0.1:$delivery NAMOYISH_DELIVERY__PUBLIC_URL=http://127.0.0.1:$delivery \
    NAMOYISH_METRICS__LISTEN=127.0.0.1:$metrics "$program" --data "$folder/var" >"$folder/program.log" 2>&1 &
pid=$!
for _ in $(seq 1 240); do
    grep -q '^Ready' "$folder/program.log" && break
    kill -0 "$pid" || { cat "$folder/program.log"; exit 1; }
    sleep 0.5
done
key=$(grep -o 'nk_[0-9a-f]*' "$folder/program.log" | head -n 1)
cd "$folder"
if "$tools/bin/schemathesis" run "http://127.0.0.1:$orders/api/openapi.json" \
    --header "Authorization: Bearer $key" --seed 20261122 --max-examples "$examples" --workers 1 \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    >"$folder/report.log" 2>&1; then
    grep -E 'Tested:|generated' "$folder/report.log"
else
    tail -n 400 "$folder/report.log"
    grep -c ERROR "$folder/program.log" || true
    grep ERROR "$folder/program.log" | head -n 20
    exit 1
fi
if grep -q 'a request failed inside the platform' "$folder/program.log"; then
    grep 'a request failed inside the platform' "$folder/program.log" | head
    exit 1
fi
