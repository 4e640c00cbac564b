import pytest

from benchmarks.bucket_proxy import emulated, in_a_thread
from clinimcl.preparation import bucket


@pytest.fixture(scope="session")
def emulator():
    with emulated() as found:
        yield found


@pytest.fixture
def link(emulator, monkeypatch):
    """The link to an empty gs://bucket; its latency, limits and faults can be set, and its requests are counted."""
    server, address = emulator
    server.wipe(keep_buckets=True)
    monkeypatch.setattr(bucket, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(bucket, "LONGEST_WAIT", 0.05)
    with in_a_thread(address) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        yield proxy
