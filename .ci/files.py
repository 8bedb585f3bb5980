"""What can be checked of the repository's text without building anything.

- Every relative link in a Markdown file leads to a file or directory, and its fragment to a heading.
- Every file name in `backticks` that looks like one of this repository's sources exists.
- TOML, JSON and executable bits are well-formed.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXECUTABLE = [".ci/run", "tests/run"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SOURCE = re.compile(r"`((?:src|api|domain|commands|projections|infra|deploy|docs|tests|openapi|benches)/[\w./-]+\.\w+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def tracked(*patterns):
    """Files that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def anchors(text):
    """The fragments that the headings of a Markdown text have on the usual hosts."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_markdown(path):
    text = path.read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    for target in LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists():
            yield f"links to {target}, which is not there"
        elif fragment and there.suffix == ".md" and fragment not in anchors(there.read_text(encoding="utf-8")):
            yield f"links to {target}, which has no such heading"
    for name in SOURCE.findall(prose):
        if not (ROOT / name).exists():
            yield f"names {name}, which is not there"


def check_toml(path):
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        yield f"is not TOML: {error}"


def check_json(path):
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        yield f"is not JSON: {error}"


def check_executable(path):
    if not path.exists():
        yield "is not there"
    elif not path.stat().st_mode & 0o100:
        yield "is not executable"


def main():
    work = [(path, check_markdown) for path in tracked("*.md")]
    work += [(path, check_toml) for path in tracked("*.toml")]
    work += [(path, check_json) for path in tracked("*.json")]
    work += [(ROOT / name, check_executable) for name in EXECUTABLE]
    faults = [f"{path.relative_to(ROOT)}: {fault}" for path, check in work for fault in check(path)]
    print("\n".join(faults) if faults else f"{len(work)} files checked, no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
