"""`python -m clinimcl.serve model=DIR`: a local page on which two files are dropped and an answer is read."""

from pathlib import Path

from clinimcl.launching import launch
from clinimcl.settings import ServeSettings


def serve(settings: ServeSettings) -> None:
    import uvicorn

    from clinimcl.inference.engines import Engine
    from clinimcl.inference.model import Model, settle
    from clinimcl.inference.server import application

    settle()
    model = Model(Path(settings.model), Engine(settings.engine, settings.precision))
    app = application(
        model, token=settings.token, most_bytes=round(settings.most_mib * 2**20), most_waiting=settings.most_waiting
    )
    asked = f"?token={settings.token}" if settings.token else ""
    print(f"open http://{settings.host}:{settings.port}/{asked} (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)


def main() -> None:
    launch(serve, ServeSettings, "serve")


if __name__ == "__main__":
    main()
