"""Who is answered: a page of this machine, or whoever knows the token."""

import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Next = Callable[[Request], Awaitable[Response]]

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


def guard(token: str | None) -> Callable[[Request, Next], Awaitable[Response]]:
    """Stands before every request. Without a token it lets in who asks by a local name, which no foreign page can."""

    async def guarded(request: Request, go_on: Next) -> Response:
        refused = _refused(request, token)
        response = JSONResponse({"refused": refused}, 403) if refused else await go_on(request)
        response.headers.update(HEADERS)
        if token and not refused and request.query_params.get("token"):
            response.set_cookie("token", token, httponly=True, samesite="strict")
        return response

    return guarded


def _refused(request: Request, token: str | None) -> str:
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
