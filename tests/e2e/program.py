# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: where things are, and how to run the program."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # for `from peers.NAME import …`


def program():
    """The program under test: MILLRACE_PROGRAM, which must be there if it is given, or the one of this build."""
    named = os.environ.get("MILLRACE_PROGRAM")
    if named:
        return pathlib.Path(named)
    built = os.environ.get("MILLRACE_BUILT_PROGRAM") or ROOT / "build/release/millrace"
    if not pathlib.Path(built).exists():
        raise unittest.SkipTest(f"there is no {built}; set MILLRACE_PROGRAM")
    return pathlib.Path(built)


def run(rulebook, variables=None, timeout=120):
    """Runs a rulebook to its end; (what it did, its statistics)."""
    with tempfile.TemporaryDirectory() as folder:
        stats = pathlib.Path(folder, "stats.json")
        command = [program(), "run", rulebook, "--stats", stats]
        if variables is not None:
            file = variables
            if isinstance(variables, dict):
                file = pathlib.Path(folder, "vars.json")
                file.write_text(json.dumps(variables))
            command += ["--vars", file]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"{rulebook}: exit code {done.returncode}\n{done.stderr}")
        return done, json.loads(stats.read_text())


def shared_data(name):
    """A file of the data sets that are too large to ship: below MILLRACE_SHARED, or shared/ beside the sources."""
    folders = [os.environ.get("MILLRACE_SHARED"), ROOT.parent / "shared"]
    for folder in filter(None, folders):
        path = pathlib.Path(folder, "data", name)
        if path.exists():
            return path
    raise unittest.SkipTest(f"data/{name} is neither below MILLRACE_SHARED nor below {ROOT.parent / 'shared'}")
