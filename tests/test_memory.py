import platform
import subprocess
import sys

import pytest

AGAIN = """
import resource
from clinimcl import memory
if {kept}:
    memory.keep_freed()
b"x" * (100 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
b"x" * (100 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(code):
    """The number of page faults that a process of its own counts."""
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is told to keep memory")
@pytest.mark.parametrize(("kept", "fewest", "most"), [(True, 0, 100), (False, 1000, 30_000)])
def test_memory_that_was_freed_is_not_cleared_again(kept, fewest, most):
    assert fewest <= printed(AGAIN.format(kept=kept)) <= most


SHARED = """
import resource, threading
from clinimcl import memory
memory.keep_freed()
if {shared}:
    memory.share_freed()
def use():
    [b"x" * (1 << 20) for _ in range(30)]
thread = threading.Thread(target=use)
thread.start()
thread.join()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is told to share memory")
@pytest.mark.parametrize(("shared", "fewest", "most"), [(True, 0, 200), (False, 1000, 30_000)])
def test_memory_that_one_thread_freed_another_takes(shared, fewest, most):
    assert fewest <= printed(SHARED.format(shared=shared)) <= most
