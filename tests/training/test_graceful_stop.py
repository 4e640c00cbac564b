import signal

import pytest

from clinimcl.training.graceful_stop import TOLD, ends_when_told


class Deaf:
    """What a destructor raises is lost."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_told_where_nobody_hears_it_what_is_done_ends_after_all():
    with pytest.raises(SystemExit) as ended, ends_when_told():
        Deaf()
    assert ended.value.code == TOLD
