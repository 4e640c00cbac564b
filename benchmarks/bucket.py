"""python benchmarks/bucket.py: scans from a bucket, beside gcsfs reading one after the other, and beside the link.

A storage emulator stands behind a link of 40 ms latency, 20 MB/s a stream and 200 MB/s in all (`bucket_proxy.py`). The
first epoch reads every object through the preparation's engine into an empty cache, whose folder is by default in
memory, so that the link is measured and not the disk; the second reads them again, and the link counts its requests.
gcsfs reads a share of the objects, one `cat_file` after the other, and is compared by its rate. The client runs on the
CPU alone. Memory is kept between steps, as in training.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import timing
import xxhash
from bucket_proxy import control, serve

from clinimcl import memory
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.fetching import digest, fetch
from clinimcl.storage.cache import Cache
from clinimcl.storage.tree import connect

LINK = {"latency": 0.04, "stream": 20e6, "total": 200e6}
FLOOR, AIM = 0.60, 0.85  # of the link
SERIAL = 8  # objects that gcsfs reads in a turn


class Epoch(NamedTuple):
    seconds: float
    digests: list[str]


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    size = round(arguments.megabytes * 1e6)
    total = size * arguments.objects
    print(f"{arguments.objects} objects of {arguments.megabytes:g} MB, {arguments.workers} reading process(es)")
    print(f"{timing.load()} before")
    with _bucket() as url, tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        written = _fill(arguments.objects, size)
        _read(list(written), None, arguments.workers)  # the link now has all in memory
        ceiling = total / _read(list(written), None, arguments.workers).seconds
        print(f"the link's own ceiling, without limits, with this reader: {ceiling / 1e6:.0f} MB/s")
        print(f"{arguments.folder or 'temporary files'}: written at {_disk(Path(folder), size) / 1e6:.0f} MB/s")
        control(url, LINK)
        rates: dict[str, list[float]] = {"serial": [], "first": []}
        for turn in range(arguments.repeats):
            cache = Cache(Path(folder) / str(turn), 2 * total)
            runs: list[tuple[str, Callable[[], Epoch], list[str]]] = [
                ("serial", partial(_serial, list(written)[:SERIAL]), list(written)[:SERIAL]),
                ("first", partial(_read, list(written), cache, arguments.workers), list(written)),
            ]
            for name, run, urls in runs if turn % 2 == 0 else reversed(runs):
                epoch = run()
                assert epoch.digests == [written[url] for url in urls]
                rates[name].append(len(urls) * size / epoch.seconds)
            control(url)
            second = _read(list(written), cache, arguments.workers)
            assert second.digests == list(written.values())
            print(f"turn {turn}: second epoch {total / second.seconds / 1e6:.0f} MB/s, requests: {control(url) or 0}")
    print(_line(rates["serial"], rates["first"]))
    print(f"{timing.load()} after")


def _line(serial: Sequence[float], first: Sequence[float]) -> str:
    return (
        f"first epoch {timing.spread([rate / 1e6 for rate in first], '.0f')} MB/s, serial gcsfs "
        f"{timing.spread([rate / 1e6 for rate in serial], '.1f')} MB/s, ratio "
        f"{timing.spread(timing.ratios(first, serial), '.1f')}; of the link's {LINK['total'] / 1e6:.0f} MB/s "
        f"{timing.spread([rate / LINK['total'] for rate in first], '.0%')}, floor {FLOOR:.0%}, aim {AIM:.0%}"
    )


def _read(urls: Sequence[str], cache: Cache | None, workers: int) -> Epoch:
    began = time.perf_counter()
    found = dict(Local(workers).run(partial(_digest, cache), urls))
    return Epoch(time.perf_counter() - began, [found[index] for index in range(len(urls))])


def _digest(cache: Cache | None, url: str) -> str:
    return digest([fetch(url, cache=cache, fingerprint="as written")])


def _serial(urls: Sequence[str]) -> Epoch:
    filesystem, _ = connect("gs://bucket")
    began = time.perf_counter()
    digests = [digest([filesystem.cat_file(url)]) for url in urls]
    return Epoch(time.perf_counter() - began, digests)


def _fill(objects: int, size: int) -> dict[str, str]:
    """URL → digest of what was written."""
    filesystem, _ = connect("gs://bucket")
    written = {}
    for index in range(objects):
        content = os.urandom(size - 1) + b"\0"  # the emulator drops a carriage return at the end
        filesystem.pipe_file(f"gs://bucket/scans/{index}.nii.gz", content)
        written[f"gs://bucket/scans/{index}.nii.gz"] = xxhash.xxh3_128_hexdigest(content)
    return written


def _disk(folder: Path, size: int) -> float:
    """Bytes a second, as far as a file is written without waiting for the disk."""
    content = os.urandom(size)
    began = time.perf_counter()
    for index in range(16):
        (folder / f"{index}.bytes").write_bytes(content)
    return 16 * size / (time.perf_counter() - began)


@contextmanager
def _bucket() -> Iterator[str]:
    """An empty gs://bucket in a process of its own, behind a link without limits; the link's address."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        os.environ["STORAGE_EMULATOR_HOST"] = ours.recv()
        yield os.environ["STORAGE_EMULATOR_HOST"]
    finally:
        process.terminate()
        process.join()


def _arguments() -> argparse.Namespace:
    parser = timing.options(__doc__)
    parser.add_argument("--objects", type=int, default=64)
    parser.add_argument("--megabytes", type=float, default=6.0, help="of one object")
    parser.add_argument("--workers", type=int, default=1, help="reading processes")
    parser.add_argument("--folder", default="/dev/shm" if os.path.isdir("/dev/shm") else None, help="of the cache")
    return parser.parse_args()


if __name__ == "__main__":
    main()
