# The recipes of everyday work: `just` lists them.

_list:
    @just --list --unsorted

# Run the drive on http://127.0.0.1:8080, with its data in ./cairn-data
serve *flags:
    cargo run --release -- serve {{ flags }}

# Any other verb of the program: just cairn events list
cairn *words:
    cargo run --release -- {{ words }}

# All tests, after installing what they need
test:
    bash tests/run

# The tests of one crate: just test-crate cairn-domain
test-crate crate:
    cargo nextest run --release -p {{ crate }}

# Everything that a change must pass
ci:
    .ci/run

# Type-check everything, fast
check:
    cargo check --workspace --all-targets --locked

# Lints, with warnings denied
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Format the code
fmt:
    cargo fmt --all

# Build and open the documentation of the code
doc:
    cargo doc --workspace --no-deps --locked --open

# Write the REST document anew after a change of the API
openapi:
    cargo run --release -- openapi > openapi/cairn.yaml

# All benchmarks, or those of one crate: just bench -p cairn-digest
bench *flags="--workspace":
    cargo bench {{ flags }}

# Advisories, licences, bans and sources of the dependencies
deny:
    cargo deny check
