"""Buckets that refuse."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gcsfs import GCSFileSystem

from clinimcl.errors import UserError
from clinimcl.storage.tree import connect, explore

URL = "gs://bucket/sub-1"


class Withdrawn(BaseHTTPRequestHandler):
    """A server of tokens, and of objects, that knows nobody any more."""

    status, answer = 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}

    def do_POST(self):
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(self.answer).encode())

    do_GET = do_POST

    def log_message(self, format, *args):
        pass


class Forbidden(Withdrawn):
    status, answer = 403, {"error": {"code": 403, "message": "storage.objects.list is missing"}}


class Unknown(Withdrawn):
    status, answer = 401, {"error": {"code": 401, "message": "Anonymous caller"}}


@pytest.fixture
def served(monkeypatch):
    """The address of a server with such answers."""
    servers = []

    def serve(handler):
        server = HTTPServer(("127.0.0.1", 0), handler)
        server.handle_error = lambda *_: None  # of a client that left: its traceback is not ours
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def account(served, tmp_path, monkeypatch):
    """A service account whose tokens are not renewed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    facts = {"type": "service_account", "project_id": "p", "client_email": "a@b", "private_key": text}
    (tmp_path / "key.json").write_text(json.dumps(facts | {"token_uri": served(Withdrawn)}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    GCSFileSystem.clear_instance_cache()
    yield
    GCSFileSystem.clear_instance_cache()


def test_expired_credentials_are_told_before_anything_is_asked_of_the_bucket(account):
    with pytest.raises(
        UserError, match=r"^gs://bucket: your credentials have expired .*\(RefreshError\): log in again"
    ):
        connect(URL)


@pytest.mark.parametrize("answers", [Forbidden, Unknown])
def test_a_bucket_that_refuses_is_told_in_a_sentence(served, answers, monkeypatch, capfd):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", served(answers))
    with pytest.raises(UserError, match=r"(?s)gs://bucket/sub-1 could not be read .*your credentials"):
        explore(URL, "")
    assert "Traceback" not in capfd.readouterr().err
