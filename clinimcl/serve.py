"""`python -m clinimcl.serve model=DIR`: a local page on which two files are dropped and an answer is read."""

import os
import socket
import sys
from pathlib import Path
from urllib.parse import quote

from clinimcl.launching import launch
from clinimcl.settings import ServeSettings


def serve(settings: ServeSettings) -> None:
    import uvicorn

    from clinimcl.errors import UserError
    from clinimcl.inference.engines import Engine
    from clinimcl.inference.model import Model, settle
    from clinimcl.inference.server import application

    settle()
    model = Model(Path(settings.model), Engine(settings.engine, settings.precision))
    app = application(
        model, token=settings.token, most_bytes=round(settings.most_mib * 2**20), most_waiting=settings.most_waiting
    )
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise UserError(
                f"host={settings.host} port={settings.port} cannot be served ({error.strerror}): choose another port"
            ) from None
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else host
    asked = f"?token={quote(settings.token, safe='')}" if settings.token else ""
    print(f"open http://{host}:{settings.port}/{asked} (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)
    sys.stdout.flush()
    os._exit(0)  # an answer that is being made would outlive the interpreter, which aborts


def main() -> None:
    launch(serve, ServeSettings, "serve")


if __name__ == "__main__":
    main()
