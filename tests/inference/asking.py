"""How a client asks a server of answers."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from clinimcl.inference.server.upload_folder import LOCK


@contextmanager
def served(model, uploads, *told):
    """A client of `clinimcl.serve` in a process of its own, whose uploads lie in a folder; it ends by these signals."""
    command = [sys.executable, "-m", "clinimcl.serve", f"model={model}", "port=0"]
    environment = os.environ | {"TMPDIR": str(uploads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline())[0]
            with httpx.Client(base_url=address, timeout=60) as client:
                yield client
        finally:
            for number in told or [signal.SIGTERM]:
                process.send_signal(number)
                time.sleep(0.05)
            sys.stdout.write(process.communicate()[0])


def ended(client, files, **data):
    """What became of a pair, answered or refused."""
    sent = client.post("/pairs", files=files, data=data).json()
    while "job" in sent:
        state = client.get(f"/pairs/{sent['job']}").json()
        if state["state"] in ("done", "refused"):
            return state | {"job": sent["job"]}
        time.sleep(0.05)
    return sent


def left(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK]
