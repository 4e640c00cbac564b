"""How a client asks a server of answers."""

import time


def ended(client, files, **data):
    """What became of a pair, answered or refused."""
    sent = client.post("/pairs", files=files, data=data).json()
    while "job" in sent:
        state = client.get(f"/pairs/{sent['job']}").json()
        if state["state"] in ("done", "refused"):
            return state | {"job": sent["job"]}
        time.sleep(0.05)
    return sent
