"""`python -m clinimcl.serve model=DIR`: a local page on which two files are dropped and an answer is read."""

from clinimcl.config.command import launch
from clinimcl.config.settings import ServeSettings


def serve(settings: ServeSettings) -> None:
    from clinimcl.inference.server.serving import serve_page

    serve_page(settings)


def main() -> None:
    launch(serve, ServeSettings, "serve")


if __name__ == "__main__":
    main()
