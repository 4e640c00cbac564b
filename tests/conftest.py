import fcntl
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: give --slow"))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real scans under open licences; see the README."""
    if "CLINIMCL_REAL_DATA" not in os.environ:
        pytest.skip("CLINIMCL_REAL_DATA is not set: real scans are not at hand")
    return Path(os.environ["CLINIMCL_REAL_DATA"])


@pytest.fixture(scope="session")
def clinimcl():
    """A command of clinimcl as a user types it: clinimcl("train", "experiment=demo", cwd=folder).

    `largest_file` in bytes stands for a disk that fills up: who writes more is refused by the kernel.
    """

    def run(command, *arguments, cwd, largest_file=None, **environment):
        def fill_up():
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        return subprocess.run(
            [sys.executable, "-m", f"clinimcl.{command}", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=os.environ | environment,
            preexec_fn=fill_up if largest_file is not None else None,
        )

    return run


SEVERAL = """
import contextlib, importlib, io, json, sys
command, cases = json.loads(sys.argv[1])
main = importlib.import_module(f"clinimcl.{command}").main
for case in cases:
    sys.argv, said, code = [command, *case], io.StringIO(), 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(sys.stderr):
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, said.getvalue()]))
"""


@pytest.fixture(scope="session")
def refusals():
    """Exit code and stderr of one command with several lists of arguments, in one process: refusals are quick."""

    def run(command, cases, cwd):
        told = [sys.executable, "-c", SEVERAL, json.dumps([command, cases])]
        result = subprocess.run(told, capture_output=True, text=True, check=False, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder for what all workers of this session use and one of them makes."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def made(clinimcl, shared, name, *arguments):
    """A phantom; the first worker writes it, the others wait."""
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        written = clinimcl("phantom", f"out={name}", *arguments, cwd=shared)
    assert written.returncode == 0, written.stderr
    return shared / name


@pytest.fixture(scope="session")
def phantom(clinimcl, shared):
    """20 phantom subjects at 8 mm in OASIS-3's layout, in a folder whose name has a space."""
    return made(clinimcl, shared, "OASIS 3", "layout=oasis3", "subjects=20", "spacing=8.0")


@pytest.fixture(scope="session")
def lungs(clinimcl, shared):
    """14 subjects with their clips."""
    return made(clinimcl, shared, "lung", "layout=lung", "subjects=14")
