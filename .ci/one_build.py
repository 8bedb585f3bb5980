"""Whether the tests find everything that the drive is made of already built: the same crates with the same features.

Cargo tells the units of a build only to nightly toolchains, or to those that are told to be one.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def units(*command):
    """What a build is made of, each with its features."""
    told = subprocess.run(
        ["cargo", *command, "--release", "--locked", "--unit-graph", "-Z", "unstable-options"],
        cwd=ROOT, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, check=True, capture_output=True, text=True,
    )
    graph = json.loads(told.stdout)
    key = lambda unit: (unit["pkg_id"], unit["target"]["name"], unit["mode"], unit["platform"], tuple(sorted(unit["features"])))
    return {key(unit) for unit in graph["units"]}


def main():
    apart = units("build") - units("test", "--workspace", "--no-run")
    for package, target, mode, _, features in sorted(apart, key=str):
        print(f"{target} of {package} ({mode}) is built twice: the tests do not have it with just {', '.join(features) or 'no features'}")
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
