import fcntl
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas  # noqa: F401  # before clinimcl: inside of a module under the hook of jaxtyping it would be compiled anew
import pytest

SERVER = "CLINIMCL_TEST_SERVER"
WARM, FOLDER = pytest.StashKey(), pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_configure(config):
    """The process in which commands are warm, one for all workers."""
    if SERVER not in os.environ:
        folder = config.stash[FOLDER] = tempfile.TemporaryDirectory()
        os.environ[SERVER] = os.path.join(folder.name, "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.environ[SERVER])
            listener.listen()
            command = [sys.executable, Path(__file__).parent / "warm.py", str(listener.fileno())]
            config.stash[WARM] = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])


def pytest_unconfigure(config):
    if WARM in config.stash:
        config.stash[WARM].terminate()  # it would end with its stdin, too, but a process that a test left may hold that
        config.stash[WARM].wait()
        config.stash[FOLDER].cleanup()


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
def emulator():
    from benchmarks.bucket_proxy import emulated

    with emulated() as found:
        yield found


@pytest.fixture
def link(emulator, monkeypatch):
    """The link to an empty gs://bucket; its latency, limits and faults can be set, and its requests are counted."""
    from benchmarks.bucket_proxy import in_a_thread
    from clinimcl.preparation import bucket

    server, address = emulator
    server.wipe(keep_buckets=True)
    monkeypatch.setattr(bucket, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(bucket, "LONGEST_WAIT", 0.05)
    with in_a_thread(address) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        yield proxy


@pytest.fixture(scope="session")
def own_process():
    """A command of clinimcl in a process of its own, as a user starts it; what it may use can be limited.

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
def clinimcl(tmp_path_factory):
    """A command as a user types it, without the seconds that imports take: clinimcl("train", "epochs=1", cwd=DIR)."""
    files = [tmp_path_factory.mktemp("said") / name for name in ("stdout", "stderr")]

    def run(command, *arguments, cwd, **environment):
        for file in files:
            file.write_text("")
        request = [command, arguments, str(cwd), os.environ | environment, [str(file) for file in files]]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.environ[SERVER])
            stream = connection.makefile("rw")
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            code = int(stream.readline())
        return subprocess.CompletedProcess([command, *arguments], code, *(file.read_text() for file in files))

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
        written = clinimcl("phantom", f"out={name}", "workers=1", *arguments, cwd=shared)
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
