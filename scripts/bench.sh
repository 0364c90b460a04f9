#!/usr/bin/env bash
# All benchmarks at their full size, and their figures as one table. The peers that are installed run beside.
#   EVENTS=18000000       rows of `live`, `scan` and `recover`
#   LONG=180000000        rows of a second `live` (3 GB of disk, ten minutes); LONG=0 leaves it out
#   PYTHON=python3        the Python that has duckdb, perspective-python and pyarrow
#   OUT=bench.jsonl       the lines
set -euo pipefail
cd "$(dirname "$0")/.."
events="${EVENTS:-18000000}" long="${LONG:-180000000}" python="${PYTHON:-python3}" out="${OUT:-bench.jsonl}"
store="$(mktemp -d)"
trap 'rm -rf "$store"' EXIT
: >"$out"
run() { echo "lingping bench $*" >&2; cargo run --release --quiet -- bench "$@" --json >>"$out"; }

run crash --cycles 50
run ingest --seconds 5 --peer postgres
run fanout
run live --events "$events" --keep "$store/live" --peer duckdb --python "$python"
run scan --events "$events" --keep "$store/live" --peer duckdb --python "$python"
run recover --events "$events" --keep "$store/live"
rm -rf "$store/live"
# Of eight million events three million are of tickets, which is what Perspective is given.
run live --events "$((events < 8000000 ? events : 8000000))" --seconds 3 --peer perspective --python "$python"
[ "$long" = 0 ] || run live --events "$long" --keep "$store/long"
run render --seconds 2
run latency
run soak --frames 100000
cargo run --release --quiet -- bench table "$out"
