"""The local page: two files dropped, an answer read. Nothing leaves the machine."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from clinimcl.errors import UserError
from clinimcl.inference.answer import answer, ask, sentences
from clinimcl.inference.model import Model
from clinimcl.inference.page import Unshowable, page, shown_volumes, viewable
from clinimcl.inference.queue import Full, Job, Line
from clinimcl.inference.scans import given_pair
from clinimcl.inference.uploads import announced, received

STATIC = Path(__file__).with_name("static")
SEVERAL = 4  # of the largest upload may lie on the disk at a time
LOCAL = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "script-src 'self' 'unsafe-inline' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; "
        "connect-src 'self' blob: data:; frame-ancestors 'self'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def application(model: Model, *, token: str | None, most_bytes: int, most_waiting: int) -> Any:
    """An ASGI application. Without a token it answers only who asks it by a local name, which no foreign page can."""
    from fastapi import FastAPI, Request
    from fastapi.responses import FileResponse, JSONResponse, Response
    from starlette.requests import ClientDisconnect

    uploads = Path(tempfile.mkdtemp(prefix="clinimcl-"))
    line = Line(lambda job: _answered(model, job), most_waiting, SEVERAL * most_bytes)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        shutil.rmtree(uploads, ignore_errors=True)

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Any:
        refused = _refused(request, token)
        response = JSONResponse({"refused": refused}, 403) if refused else await call_next(request)
        response.headers.update(HEADERS)
        if token and not refused and request.query_params.get("token"):
            response.set_cookie("token", token, httponly=True, samesite="strict")
        return response

    @app.get("/")
    async def start() -> Response:
        return FileResponse(STATIC / "index.html")

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        known = {path.name for path in STATIC.iterdir()}
        return FileResponse(STATIC / name) if name in known else Response(status_code=404)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "model": model.card.name, "waiting": len(line)}

    @app.get("/model")
    async def card() -> dict[str, Any]:
        return {"name": model.card.name, "kind": model.parts.input.kind, "generated": model.card.told["generated"]}

    @app.post("/pairs")
    async def pairs(request: Request) -> Response:
        folder = uploads / secrets.token_hex(8)
        try:
            size = announced(request.headers, most_bytes)
            with line.place(size) as place:
                job = Job(folder, await received(request, folder), size)
                place(job)
            return JSONResponse({"job": job.name}, 202)
        except UserError as error:
            refused, code = str(error), 503 if isinstance(error, Full) else 400
        except ClientDisconnect:
            refused, code = "the sender went away", 400
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return JSONResponse({"refused": refused}, code)

    @app.get("/pairs/{name}")
    async def state(name: str) -> Response:
        job = line.find(name)
        if job is None:
            return JSONResponse({"refused": "this answer is not kept any longer: ask again"}, 404)
        waits = {"before": line.before(job)} if job.state == "waiting" else {}
        return JSONResponse({"state": job.state, "said": job.said, "shown": sorted(job.shown), **waits})

    @app.get("/pairs/{name}/{shown}")
    async def shown(name: str, shown: str) -> Response:
        job = line.find(name)
        if job is None or shown not in job.shown:
            return Response("this answer is not kept any longer: ask again", 404)
        kind = "text/html" if shown.endswith(".html") else "application/octet-stream"
        return Response(job.shown[shown], media_type=kind)

    return app


def _answered(model: Model, job: Job) -> None:
    """What is said stands before the pictures are begun, which take seconds."""
    asked = ask(model, *given_pair(job.given["earlier"], job.given["later"], model.pipeline, model.parts.input))
    found = answer(model, asked, (job.given["earlier_date"], job.given["later_date"]))
    job.said = sentences(model, found)
    shutil.rmtree(job.files, ignore_errors=True)
    if not job.given["pictures"]:
        return
    try:
        shown = shown_volumes(model, asked) if model.parts.input.kind == "volume" else None
        volumes = viewable(shown) if shown else {}
        job.shown = {"page.html": page(model, asked, found, shown).encode(), **volumes}
    except Unshowable as error:
        job.said = [*job.said, str(error)]


def _refused(request: Any, token: str | None) -> str:
    """Why a request is not answered; "" if it is."""
    if token:
        given = request.query_params.get("token") or request.cookies.get("token") or ""
        header = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = any(secrets.compare_digest(own.encode(), token.encode()) for own in (given, header))
        return "" if known else "a token is needed: open the address that clinimcl.serve printed"
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    origin = request.headers.get("origin")
    foreign = origin is not None and origin != f"http://{request.headers.get('host', '')}"
    return "only pages of this machine are answered" if host not in LOCAL or foreign else ""
