#!/usr/bin/env bash
# Licences and sources of all dependencies, by cargo-deny (https://embarkstudios.github.io/cargo-deny/) where it is
# installed. Advisories need the network, so they are asked only with ADVISORIES=1.
set -euo pipefail
if ! command -v cargo-deny >/dev/null; then
    echo "licences: NOT CHECKED, cargo-deny is not installed (cargo install --locked cargo-deny)" >&2
    exit 0
fi
checks=(licenses bans sources)
[ "${ADVISORIES:-}" = 1 ] && checks+=(advisories)
cargo deny --all-features check "${checks[@]}"
