"""Files of a cohort in formats that are not read, counted, with what converts each."""

import re
from collections import Counter
from collections.abc import Iterable

from clinimcl.cohorts.files.endings import CONVERTERS, unread_ending
from clinimcl.cohorts.tables.remarks import Remarks

MOST_TOLD = 3


def count_unread(files: Iterable[str], named: re.Pattern[str], remarks: Remarks) -> None:
    """Note of each format how many files there are whose names, without their endings, are those of scans."""
    for ending, number in _endings(files, named).items():
        remarks.count(number, f"scans end with {ending}, which is not read ({CONVERTERS[ending]})")


def told_unread(files: Iterable[str]) -> str:
    """A hint for who has no scan that is read: the commonest of the other formats; "" without any."""
    found = _endings(files, re.compile("")).most_common(MOST_TOLD)
    told = [f"{number} files end with {ending} ({CONVERTERS[ending]})" for ending, number in found]
    return f"Of what is not read, {', '.join(told)}. " if told else ""


def _endings(files: Iterable[str], named: re.Pattern[str]) -> Counter[str]:
    known = ((file, unread_ending(file)) for file in files)
    return Counter(ending for file, ending in known if ending and named.search(file[: -len(ending)]))
