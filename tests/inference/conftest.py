import socket
import tempfile
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
import torch
import uvicorn

from benchmarks.untrained import export_untrained, networks
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.inference.card import Limits
from clinimcl.inference.model import Model
from clinimcl.inference.server.server import application
from clinimcl.inference.server.upload_folder import upload_folder
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.pipeline import FieldOfView
from tests.inference.heads import head, nifti


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """An exported model of an untrained encoder, for heads like `head(seed)`."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    encoder = CNN3d(grid=8, channels=[4, 4], groups=2, embedding=6)
    classifier = ChangeClassifier(6, combine="difference", hidden=[5], dropout=0.0)
    pipeline = FieldOfView(grid=8, field_of_view=160.0, percentile=99.5, align="none", spacing=None)
    heads = [pipeline.prepare(read_nifti(nifti(head(seed)))) for seed in range(100, 140)]
    limits = Limits(appearance=2.0, embedding=3.0, likeness=-100.0)
    export_untrained(folder, networks(encoder, classifier), pipeline, heads, limits)
    return folder


@pytest.fixture(scope="session")
def model(folder):
    return Model(folder)


@pytest.fixture
def serving(model, tmp_path, monkeypatch):
    """Start a server; returns a client. Its uploads lie in tmp_path."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    servers, clients, uploads = [], [], ExitStack()

    def start(model=model, **settings):
        settings = {"token": None, "scanner": None, "most_bytes": 2**22, "most_waiting": 60} | settings
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        app = application(model, uploads.enter_context(upload_folder()), **settings)
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60))
        return clients[-1]

    yield start
    for client in clients:
        client.close()
    for server, thread in servers:
        server.should_exit = True
        thread.join()
    uploads.close()
