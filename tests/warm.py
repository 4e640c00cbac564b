"""Commands of clinimcl, each in a fork of one process that has imported and compiled everything: that takes seconds.

`warm.py LISTENER [now]`, a socket's number, serves until stdin ends; it warms up now, or when first asked. A
connection asks with a line of JSON and is answered the process number and, when it has ended, the exit code.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys

import numpy as np

import clinimcl
from clinimcl.evaluation.contrastive.projection import umap

ALSO = ("lightning.pytorch.loggers", "monai.losses", "nilearn.datasets")  # imported inside functions


# W&B makes a folder when imported, and the first fork removes it
WITH_WANDB = ("clinimcl.tracking.wandb_panels", "clinimcl.tracking.workspace")


def warm_up():
    for module in pkgutil.walk_packages(clinimcl.__path__, "clinimcl."):
        if module.name not in WITH_WANDB:
            importlib.import_module(module.name)
    for name in ALSO:
        importlib.import_module(name)
    umap(np.random.default_rng(0).normal(size=(20, 4)), axes=2, seed=0)  # which numba compiles
    gc.freeze()  # else each fork copies all of this when it ends: 3 s


def next_connection(listener, warm):
    """Accepts for ever; returns in a fork for each connection."""
    if warm:
        warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for these forks
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if not warm:
            warm_up()
            warm = True
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            return connection
        connection.close()
    sys.exit()


def answered(connection):
    """What to run: returns in a fork, whose process number and then exit code are the answer."""
    stream = connection.makefile("rw")
    request = json.loads(stream.readline())
    child = os.fork()
    if child == 0:
        stream.close()
        connection.close()
        return request
    stream.write(f"{child}\n")
    stream.flush()
    stream.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
    stream.flush()
    os._exit(0)


def enter(cwd, environment, files):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests were started in the background
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate([os.devnull, *files]):
        os.dup2(os.open(path, os.O_RDWR), number)


if __name__ == "__main__":
    command, arguments, *surroundings = answered(
        next_connection(socket.socket(fileno=int(sys.argv[1])), warm=sys.argv[2:] == ["now"])
    )
    enter(*surroundings)
    module = sys.modules["__main__"] = importlib.import_module(f"clinimcl.{command}")
    sys.argv = [module.__file__, *arguments]
    module.main()
