"""A link between a client and a storage server, with latency, limited bandwidth and faults.

The emulator of Google Cloud Storage answers one request at a time. Objects are therefore fetched from it once, and
then served from this process's memory.
"""

import asyncio
import json
import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
from aiohttp import web
from gcp_storage_emulator.server import Server, create_server

CHUNK = 2**18
BURST = 0.02  # seconds' worth of bytes that may be made up for after a pause
CONTROL = "/link"


@dataclass
class Link:
    latency: float = 0.0  # seconds before an answer begins
    stream: float = math.inf  # bytes a second of one answer
    total: float = math.inf  # bytes a second of all together
    faults: list[str] = field(default_factory=list)  # of the next transfers: a status, "reset", "cut" or "flip"
    refused: int = 0  # the status of every answer; 0 for none


class Proxy:
    """Counts requests by kind: `objects`, `uploads`, and `other` (listings, metadata)."""

    def __init__(self, server: str, link: Link | None = None) -> None:
        self.link = link or Link()
        self.counts: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0  # answers under way
        self.url = ""
        self._server = server
        self._memory: dict[str, tuple[bytes, dict[str, str]]] = {}
        self._free = 0.0  # when the link has sent what was given to it

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._alone = asyncio.Lock()
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == CONTROL:
            return await self._control(request)
        kind = _kind(request)
        self.counts[kind] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer_kind(request, kind)
        finally:
            self.at_once -= 1

    async def _answer_kind(self, request: web.BaseRequest, kind: str) -> web.StreamResponse:
        if self.link.refused:
            return _refusal(self.link.refused)
        await asyncio.sleep(self.link.latency)
        fault = self.link.faults.pop(0) if kind != "other" and self.link.faults else ""
        if fault.isdigit():
            return _refusal(int(fault))
        if kind == "objects":
            return await self._send(request, fault)
        return await self._forward(request, fault)

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        counts, self.counts = self.counts, Counter()
        if request.can_read_body:
            self.link = Link(**await request.json())
        return web.json_response(counts)

    async def _send(self, request: web.BaseRequest, fault: str) -> web.StreamResponse:
        status, content, headers = await self._object(request)
        if fault == "flip":
            content = _flipped(content)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(content)
        await response.prepare(request)
        end = len(content) // 2 if fault in ("cut", "reset") else len(content)
        due = asyncio.get_running_loop().time()
        for start in range(0, end, CHUNK):
            chunk = memoryview(content)[start : min(start + CHUNK, end)]
            due = await self._pace(due, len(chunk))
            await response.write(chunk)
        if end < len(content) and request.transport is not None:
            (request.transport.abort if fault == "reset" else request.transport.close)()
        return response

    async def _pace(self, due: float, size: int) -> float:
        """Wait until the answer, and the link, may have sent so many bytes more; when that was for the answer."""
        now = asyncio.get_running_loop().time()
        due = max(due, now - BURST) + size / self.link.stream
        self._free = max(self._free, now - BURST) + size / self.link.total
        if (wait := max(due, self._free) - now) > 0:
            await asyncio.sleep(wait)
        return due

    async def _object(self, request: web.BaseRequest) -> tuple[int, bytes, dict[str, str]]:
        if request.path_qs not in self._memory:
            status, content, headers = await self._ask(request, b"")
            if status != 200:
                return status, content, {}
            self._memory[request.path_qs] = content, headers
        return 200, *self._memory[request.path_qs]

    async def _forward(self, request: web.BaseRequest, fault: str) -> web.StreamResponse:
        body = await request.content.read()  # `request.read` has a bound
        if request.method != "GET":
            self._memory.clear()
        status, content, headers = await self._ask(request, _flipped(body) if fault == "flip" else body)
        return web.Response(status=status, body=content, headers=headers)

    async def _ask(self, request: web.BaseRequest, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        kept = {name: value for name, value in request.headers.items() if name.lower() not in ("connection", "range")}
        async with (
            self._alone,
            self._session.request(
                request.method, self._server + request.path_qs, data=body, headers=kept, allow_redirects=False
            ) as answer,
        ):
            content = await answer.read()
            own = ("content-length", "connection", "date", "server", "transfer-encoding")
            return answer.status, content, {k: v for k, v in answer.headers.items() if k.lower() not in own}


def _kind(request: web.BaseRequest) -> str:
    if request.method == "GET" and request.query.get("alt") == "media":
        return "objects"
    return "uploads" if "/upload/" in request.path and request.method in ("POST", "PUT") else "other"


def _refusal(status: int) -> web.Response:
    return web.json_response({"error": {"code": status, "message": "the link's fault"}}, status=status)


def _flipped(content: bytes) -> bytes:
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    return bytes(flipped)


@contextmanager
def in_a_thread(server: str) -> Iterator[Proxy]:
    """A running proxy before `server`; its link and counts may be looked at and changed."""
    loop, proxy = asyncio.new_event_loop(), Proxy(server)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(proxy.start(), loop).result()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def emulated() -> Iterator[tuple[Server, str]]:
    """A server with an empty gs://bucket, in a thread, and its address."""
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    server._api._httpd.handle_error = lambda *_: None  # readers that go away are its traceback on another's stderr
    host, port = server._api._httpd.server_address
    try:
        yield server, f"http://{host}:{port}"
    finally:
        server.stop()


def serve(told: Connection) -> None:
    """A proxy before an emulator, until the process is ended; its address goes into `told`."""

    async def run(server: str) -> None:
        proxy = Proxy(server)
        await proxy.start()
        told.send(proxy.url)
        await asyncio.Event().wait()

    with emulated() as (_, address):
        asyncio.run(run(address))


def control(url: str, link: dict[str, Any] | None = None) -> dict[str, int]:
    """The requests since the last call, by kind; a link that is given replaces the proxy's."""
    body = None if link is None else json.dumps(link).encode()
    with urlopen(Request(url + CONTROL, body, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)
