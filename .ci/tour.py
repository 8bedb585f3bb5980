"""Runs the tour of the README as a reader would: every bash block of the section "A tour", in order, in one shell.

The only differences: the shell stops at the first failure, and the drive listens on a free port. What the tour prints
stands in the output; what it promises in comments that begin with `# =>` must appear there.
"""

import pathlib
import re
import shutil
import socket
import subprocess
import sys

PORT = "127.0.0.1:8080"
SECONDS_MAX = 300


def tour_of(text):
    section = re.search(r"^## A tour.*?(?=^## )", text, re.MULTILINE | re.DOTALL)
    if not section:
        raise SystemExit("there is no section '## A tour'")
    return "\n".join(re.findall(r"^```bash\n(.*?)^```$", section.group(), re.MULTILINE | re.DOTALL))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def need_curl():
    """The one thing that the tour needs and a machine for Rust may not have."""
    if shutil.which("curl"):
        return
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", "curl"], check=True)


def main():
    need_curl()
    readme = pathlib.Path(sys.argv[1])
    script = tour_of(readme.read_text(encoding="utf-8"))
    promises = re.findall(r"# => (.+)$", script, re.MULTILINE)
    script = script.replace(PORT, f"127.0.0.1:{free_port()}")
    script = f"set -euo pipefail\ntrap 'kill ${{server:-}} 2>/dev/null || true' EXIT\n{script}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=readme.resolve().parent, timeout=SECONDS_MAX,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    print(done.stdout)
    missing = [promise for promise in promises if promise not in done.stdout]
    for promise in missing:
        print(f"the tour promises {promise!r}, and does not print it")
    print(f"the tour ended with {done.returncode}; {len(promises) - len(missing)} of {len(promises)} promises kept")
    return 1 if missing or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
