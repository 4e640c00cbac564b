"""Files of which a clone holds a pointer alone: those of git-annex (DataLad) and of Git LFS."""

import os
import re

_MOST_BYTES = 4096  # of a pointer; a scan or table of this size is looked at, a larger one is not
_LFS = re.compile(rb"version https://(?:git-lfs|hawser)\.github\.com/spec/")
# a pointer of git-annex, or the text of its link where a file system has none
_ANNEX = re.compile(rb"[./\\\w-]*[/\\]annex[/\\]objects[/\\]")
_FETCH_ANNEX = "its content was not fetched: run `datalad get .` or `git annex get .` in its data set"


def unfetched(content: bytes) -> str:
    """The end of a sentence on a file of this content that is only a pointer; "" of any other.

    Source: https://git-annex.branchable.com/internals/pointer_file and
    https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
    """
    if len(content) > _MOST_BYTES:
        return ""
    if _LFS.match(content):
        return "is a pointer of Git LFS, its content was not fetched: run `git lfs pull` in its data set"
    return f"is a pointer of git-annex, {_FETCH_ANNEX}" if _ANNEX.match(content) else ""


def dangling(path: str) -> str:
    """The end of a sentence on a local path that is a link to nothing; "" of any other."""
    if not os.path.islink(path) or os.path.exists(path):
        return ""
    if "annex" in os.readlink(path):
        return f"is a link of git-annex, {_FETCH_ANNEX}"
    return "is a link to a file that is not there, or was not fetched"
