"""Memory that a step frees stays with the process, for the next step."""

import ctypes
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # malloc.h's names for mallopt
NEVER, TWO_GIB = -1, 2**31 - 1


def keep_freed() -> None:
    """Freed memory is not returned to the system, which would clear it page by page when it is asked for again.

    By default glibc returns every array above 32 MB at once, and a sixth of a float32 step of TSM on CPU goes into
    clearing (benchmarks/tsm.py, --return-memory). The process stays as large as its largest step. Elsewhere than on
    glibc this does nothing.
    """
    _tell_glibc({MMAP_THRESHOLD: TWO_GIB, TRIM_THRESHOLD: NEVER})


def share_freed() -> None:
    """What one thread frees, every thread that begins after this takes up: all have one heap, and wait for each other.

    For processes whose threads take turns, as those of the preparation: 0.8 of the time and of the memory of a scan.
    """
    _tell_glibc({ARENA_MAX: 1})


def _tell_glibc(settings: dict[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        allocator = ctypes.CDLL(None)
        for name, value in settings.items():
            allocator.mallopt(name, value)
