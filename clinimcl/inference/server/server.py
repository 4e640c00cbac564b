"""The local page: two files dropped, an answer read. Nothing leaves the machine."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.requests import ClientDisconnect

from clinimcl.errors import UserError
from clinimcl.inference.input_scans import given_pair
from clinimcl.inference.model import Model
from clinimcl.inference.page import Unshowable, page, shown_volumes, viewable
from clinimcl.inference.prediction import answer, ask, sentences
from clinimcl.inference.server.auth import guard
from clinimcl.inference.server.jobs import Full, Job, Line
from clinimcl.inference.server.uploads import announced, received

STATIC = Path(__file__).with_name("static")
SEVERAL = 4  # of the largest upload may lie on the disk at a time


class Gone(UserError):
    """An answer that is not kept any longer."""


CODES: dict[type[Exception], int] = {Full: 503, Gone: 404}


def application(
    model: Model, uploads: Path, *, token: str | None, scanner: str | None, most_bytes: int, most_waiting: int
) -> FastAPI:
    """`scanner` is that of scans which come without theirs."""
    answers = Answers(model, uploads, scanner, most_bytes, most_waiting)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(guard(token))
    app.add_exception_handler(UserError, refused)
    app.add_exception_handler(ClientDisconnect, refused)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.get("/")(answers.start)
    app.get("/health")(answers.health)
    app.get("/model")(answers.card)
    app.post("/pairs")(answers.take)
    app.get("/pairs/{name}")(answers.state)
    app.get("/pairs/{name}/{shown}")(answers.shown)
    return app


async def refused(_: Request, error: Exception) -> JSONResponse:
    """In words; a sender who went away does not read them."""
    return JSONResponse({"refused": str(error)}, CODES.get(type(error), 400))


@final
class Answers:
    """What the page asks for. Uploads lie in a folder until they are answered."""

    def __init__(self, model: Model, uploads: Path, scanner: str | None, most_bytes: int, most_waiting: int) -> None:
        self._model, self._uploads, self._most_bytes = model, uploads, most_bytes
        self._scanner = scanner
        self._line = Line(self._work, most_waiting, SEVERAL * most_bytes)

    async def start(self) -> FileResponse:
        return FileResponse(STATIC / "index.html")

    async def health(self) -> dict[str, Any]:
        return {"status": "ok", "model": self._model.card.name, "waiting": len(self._line)}

    async def card(self) -> dict[str, Any]:
        card, kind = self._model.card, self._model.parts.input.kind
        return {"name": card.name, "kind": kind, "generated": card.told["generated"]}

    async def take(self, request: Request) -> JSONResponse:
        """Two scans, and a place in the line for them."""
        size, folder = announced(request.headers, self._most_bytes), self._uploads / secrets.token_hex(8)
        with _removed_on_failure(folder), self._line.place(size) as place:
            job = Job(folder, await received(request, folder), size)
            place(job)
        return JSONResponse({"job": job.name}, 202)

    async def state(self, name: str) -> dict[str, Any]:
        job = self._job(name)
        waits = {"before": self._line.before(job)} if job.state == "waiting" else {}
        return {"state": job.state, "said": job.said, "shown": sorted(job.shown), **waits}

    async def shown(self, name: str, shown: str) -> Response:
        content = self._job(name).shown.get(shown)
        if content is None:
            raise Gone("these pictures are not kept any longer: ask again")
        kind = "text/html" if shown.endswith(".html") else "application/octet-stream"
        return Response(content, media_type=kind)

    def _job(self, name: str) -> Job:
        job = self._line.find(name)
        if job is None:
            raise Gone("this answer is not kept any longer: ask again")
        return job

    def _work(self, job: Job) -> None:
        """What is said stands before the pictures are begun, which take seconds."""
        model, given = self._model, job.given
        pair = given_pair(given["earlier"], given["later"], model.pipeline, model.parts.input)
        scanners = given["earlier_scanner"] or self._scanner, given["later_scanner"] or self._scanner
        asked = ask(model, *pair, scanners)
        found = answer(model, asked, (given["earlier_date"], given["later_date"]))
        job.said = sentences(model, found)
        shutil.rmtree(job.files, ignore_errors=True)
        if not given["pictures"]:
            return
        try:
            shown = shown_volumes(model, asked) if model.parts.input.kind == "volume" else None
            volumes = viewable(shown) if shown else {}
            job.shown = {"page.html": page(model, asked, found, shown).encode(), **volumes}
        except Unshowable as error:
            job.said = [*job.said, str(error)]


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
