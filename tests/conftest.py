import fcntl
import itertools
import json
import os
import resource
import select
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
    """The process in which commands are warm, one for all workers; a job that the tests run in is not theirs."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    if SERVER not in os.environ:
        folder = config.stash[FOLDER] = tempfile.TemporaryDirectory()
        os.environ[SERVER] = os.path.join(folder.name, "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.environ[SERVER])
            listener.listen()
            many = ["now"] if config.getoption("numprocesses", None) else []
            command = [sys.executable, Path(__file__).parent / "warm.py", str(listener.fileno()), *many]
            config.stash[WARM] = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])


def pytest_unconfigure(config):
    if WARM in config.stash:
        config.stash[WARM].terminate()  # it would end with its stdin, too, but a process that a test left may hold that
        config.stash[WARM].wait()
        config.stash[FOLDER].cleanup()


def pytest_collection_modifyitems(config, items):
    """Files that start commands come first, since they take longest: no worker is left alone with one."""
    starting = {item.path for item in items if "started" in item.fixturenames}
    items.sort(key=lambda item: item.path not in starting)
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: give --slow"))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real scans under open licences; see CONTRIBUTING.md."""
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
    from clinimcl.storage import bucket

    server, address = emulator
    server.wipe(keep_buckets=True)
    monkeypatch.setattr(bucket, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(bucket, "LONGEST_WAIT", 0.05)
    with in_a_thread(address) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        yield proxy


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """SLURM's commands, whose jobs this machine does at once (tests/slurm); the folder has what was submitted."""
    folder = tmp_path / "queue"
    folder.mkdir()
    (folder / "jobs").touch()
    monkeypatch.setenv("PATH", f"{Path(__file__).parent / 'slurm'}:{os.environ['PATH']}")
    monkeypatch.setenv("QUEUE", str(folder))
    return folder


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


class Started:
    """A command that runs, as subprocess.Popen has it."""

    def __init__(self, request, files):
        self._files = files
        for file in files:
            file.write_text("")
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(os.environ[SERVER])
        self._stream = self._connection.makefile("rw")
        self._stream.write(json.dumps([*request, [str(file) for file in files]]) + "\n")
        self._stream.flush()
        self.pid = int(self._stream.readline())

    def poll(self):
        """None while it runs."""
        return self.wait() if select.select([self._connection], [], [], 0)[0] else None

    def wait(self):
        if self._stream is not None:
            self._code = int(self._stream.readline())
            self._connection.close()
            self._stream = None
        return self._code

    def send_signal(self, number):
        os.kill(self.pid, number)

    def finished(self):
        code = self.wait()
        return subprocess.CompletedProcess([], code, *(file.read_text() for file in self._files))


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    """A command as a user types it, without the seconds that imports take: started("train", "epochs=1", cwd=DIR)."""
    folder, numbers = tmp_path_factory.mktemp("said"), itertools.count()

    def start(command, *arguments, cwd, **environment):
        number = next(numbers)
        files = [folder / f"{number}-{name}" for name in ("stdout", "stderr")]
        return Started([command, arguments, str(cwd), os.environ | environment], files)

    return start


@pytest.fixture(scope="session")
def clinimcl(started):
    """A command that has ended: clinimcl("train", "epochs=1", cwd=DIR).returncode."""

    def run(command, *arguments, cwd, **environment):
        return started(command, *arguments, cwd=cwd, **environment).finished()

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


@pytest.fixture
def bucket(monkeypatch):
    """An empty gs://bucket on a real server, as the file system that reaches it."""
    from gcp_storage_emulator.server import create_server

    from clinimcl.storage.tree import connect

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    host, port = server._api._httpd.server_address
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
    yield connect("gs://bucket")[0]
    server.stop()
