# The project's commands. `make run` and `make test` are all a new machine needs.

.PHONY: run test check bench fmt setup

# Installs what is missing, builds, and shows the wall on an embedded hub with a simulated city.
run: setup
	cargo build --release
	cargo run --release --quiet --

# Everything: unit, property, whole-program, picture and window tests. The property tests draw the same cases each time;
# other ones: docs/testing.md.
test: export PROPTEST_RNG_SEED ?= 81890
test:
	scripts/setup.sh test
	cargo test --release --no-fail-fast

# Formatting, lints, both feature cuts, licences, and the wall's own lint of queries, scenes and maps.
check:
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings
	cargo check --release --no-default-features
	cargo check --release --no-default-features --features hub
	cargo check --release --no-default-features --features wall
	cargo run --release --quiet -- check
	scripts/licences.sh

# The benchmarks, then one table of their figures and aims: about half an hour. `EVENTS=1000000 LONG=0 make bench` takes
# some minutes; what they gave: docs/performance.md.
bench: setup
	cargo build --release
	scripts/bench.sh

fmt:
	cargo fmt

setup:
	scripts/setup.sh
