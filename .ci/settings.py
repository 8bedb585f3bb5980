"""The sample configuration is valid, shows every setting there is, and shows its default."""

import json
import os
import pathlib
import subprocess
import sys

SAMPLE = pathlib.Path("deploy/cairn.toml")


def effective(*flags):
    """What the program would run with, as it says itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    command = ["cargo", "run", "--release", "--locked", "--quiet", "--", "config", "check", "--json", *flags]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def shown(text):
    """The keys that the sample shows, also those that it only comments out, as section.key. A section that is a comment as a whole is an
    example of one that is not there by default."""
    section, keys = "", set()
    for line in text.splitlines():
        if line.startswith(("[", "# [")):
            section = None if line.startswith("#") else line.strip("[]")
            continue
        line = line.removeprefix("# ")
        if section is not None and " = " in line and line.split(" = ")[0].isidentifier():
            keys.add(f"{section}.{line.split(' = ')[0]}")
    return keys


def flat(sections):
    """Sections within sections by their path, as the file writes them."""
    flattened = {}
    for section, keys in sections.items():
        flattened[section] = {key: value for key, value in keys.items() if not isinstance(value, dict)}
        flattened |= {f"{section}.{key}": value for key, value in keys.items() if isinstance(value, dict)}
    return flattened


def main():
    defaults, sample = flat(effective()), flat(effective("--config", str(SAMPLE)))
    faults = [
        f"{section}.{key} is {sample[section][key]!r} in the sample, its default is {value!r}"
        for section, keys in defaults.items()
        for key, value in keys.items()
        if sample[section][key] != value
    ]
    known = {f"{section}.{key}" for section, keys in defaults.items() for key in keys}
    there = shown(SAMPLE.read_text(encoding="utf-8"))
    faults += [f"{key} is not in the sample" for key in sorted(known - there)]
    faults += [f"{key} is in the sample, and is no setting" for key in sorted(there - known)]
    print("\n".join(faults) if faults else f"{len(known)} settings, all shown with their defaults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
