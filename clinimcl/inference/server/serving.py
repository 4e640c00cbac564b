"""The local page, served until it is ended."""

import contextlib
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from clinimcl.config.settings import ServeSettings
from clinimcl.errors import UserError
from clinimcl.inference.model import Model, settle
from clinimcl.inference.runtimes import Runtime
from clinimcl.inference.server.server import application
from clinimcl.inference.server.upload_folder import upload_folder


def serve_page(settings: ServeSettings) -> None:
    """Until Ctrl-C, SIGTERM or SIGHUP."""
    settle()
    model = Model(Path(settings.model), Runtime(settings.runtime, settings.precision))
    if settings.scanner is not None:
        model.check_scanner(settings.scanner)
    bounds = {"most_bytes": round(settings.most_mib * 2**20), "most_waiting": settings.most_waiting}
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else host
    asked = f"?token={quote(settings.token, safe='')}" if settings.token else ""
    with (
        listening(settings.host, settings.port) as listener,
        upload_folder() as uploads,
        contextlib.suppress(KeyboardInterrupt),
    ):
        app = application(model, uploads, token=settings.token, scanner=settings.scanner, **bounds)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5))
        _end_quietly(server)
        print(f"open http://{host}:{listener.getsockname()[1]}/{asked} (Ctrl-C ends it)", flush=True)
        server.run(sockets=[listener])
    sys.stdout.flush()
    os._exit(0)  # an answer that is being made would outlive the interpreter, which aborts


def _end_quietly(server: Any) -> None:
    """As Ctrl-C does when told otherwise; what uvicorn says of those who are cut off then is for nobody."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup ignores it
        signal.signal(signal.SIGHUP, server.handle_exit)
    logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections already: who reads the address may ask at once."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UserError(f"host={host} port={port} cannot be served ({error.strerror}): choose another port") from None
