"""Memory that a step frees stays with the process, for the next step."""

import ctypes
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # malloc.h's names for mallopt
NEVER, TWO_GIB = -1, 2**31 - 1


def keep_freed() -> None:
    """Freed memory is not returned to the system, which would clear it page by page when it is asked for again.

    By default glibc returns every array above 32 MB at once, and a sixth of a float32 step of TSM on CPU goes into
    clearing (benchmarks/tsm.py, --return-memory). The process stays as large as its largest step. Elsewhere than on
    glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        allocator = ctypes.CDLL(None)
        allocator.mallopt(MMAP_THRESHOLD, TWO_GIB)
        allocator.mallopt(TRIM_THRESHOLD, NEVER)
