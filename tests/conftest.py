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


@pytest.fixture(scope="session")
def phantom(clinimcl, tmp_path_factory):
    """20 phantom subjects at 8 mm in OASIS-3's layout, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("phantom") / "OASIS 3"
    made = clinimcl("phantom", "layout=oasis3", f"out={folder}", "subjects=20", "spacing=8.0", cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    return folder
