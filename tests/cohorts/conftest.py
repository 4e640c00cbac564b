import pytest
from gcp_storage_emulator.server import create_server

from clinimcl.cohorts.tree import connect


@pytest.fixture
def bucket(monkeypatch):
    """An empty gs://bucket on a real server, as the file system that reaches it."""
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    host, port = server._api._httpd.server_address
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
    yield connect("gs://bucket")[0]
    server.stop()
