"""The flow of scans as boxes and lines, to be drawn as SVG by the template."""

import textwrap
from itertools import pairwise
from typing import NamedTuple

from clinimcl.cohorts.schema import SPLITS
from clinimcl.evaluation.review.flow import Branch, Count, Exclusion, Flow
from clinimcl.evaluation.wording import capitalised

WIDTH = 960.0  # units of the drawing
COLUMN = 300.0  # width of a box
GAP = 30.0  # between columns
STEP = 26.0  # between rows
LINE = 16.0  # height of a line of text
PADDING = 10.0
LETTERS = 44  # of a line in a box

Line = tuple[str, bool]  # a line of text, and whether it is a head


class Box(NamedTuple):
    x: float
    y: float
    height: float
    lines: list[Line]
    excluded: bool  # what goes no further

    @property
    def middle(self) -> float:
        return self.x + COLUMN / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Link(NamedTuple):
    x1: float
    y1: float
    x2: float
    y2: float


class Diagram(NamedTuple):
    boxes: list[Box]
    links: list[Link]
    height: float


def diagram(flow: Flow) -> Diagram:
    """Found scans at the top, what was set aside beside them, and a column for each split."""
    left, centre, right = (column * (COLUMN + GAP) for column in range(3))
    found = box(centre, 0.0, [("Scans found", True), *counted(flow.found)])
    aside = box(right, 0.0, excluded_lines("Set aside", flow.set_aside), excluded=True)
    y = max(found.bottom, aside.bottom if flow.set_aside else 0.0) + STEP
    usable = box(centre, y, [("Usable scans", True), *counted(flow.usable)])
    boxes = [found, usable]
    links = [Link(found.middle, found.bottom, usable.middle, usable.y)]
    if flow.set_aside:
        boxes.append(aside)
        middle = found.y + min(found.height, aside.height) / 2
        links.append(Link(found.x + COLUMN, middle, aside.x, middle))
    top = usable.bottom + 2 * STEP
    for x, split in zip((left, centre, right), SPLITS, strict=True):
        column = split_column(flow, split, x, top)
        boxes += column
        links.append(Link(usable.middle, usable.bottom, column[0].middle, top))
        links += joined(column)
    return Diagram(boxes, links, max(own.bottom for own in boxes) + 2)


def split_column(flow: Flow, split: str, x: float, y: float) -> list[Box]:
    """The split, and below it each use with what it excludes."""
    column = [box(x, y, [(split.capitalize(), True), *counted(flow.splits[split])])]
    for branch in flow.branches:
        if branch.split == split:
            column.append(box(x, column[-1].bottom + STEP, branch_lines(branch)))
    return column


def joined(column: list[Box]) -> list[Link]:
    return [Link(above.middle, above.bottom, below.middle, below.y) for above, below in pairwise(column)]


def branch_lines(branch: Branch) -> list[Line]:
    purpose = capitalised(branch.purpose)
    used = [*wrapped(purpose, head=True), *counted(branch.used)]
    return used + (excluded_lines("Not used", branch.excluded) if branch.excluded else [])


def excluded_lines(title: str, exclusions: list[Exclusion]) -> list[Line]:
    lines: list[Line] = [(title, True)]
    for exclusion in exclusions:
        lines += wrapped(f"{exclusion.size.scans}: {exclusion.reason}", head=False)
    return lines


def counted(count: Count) -> list[Line]:
    scans = "scan" if count.scans == 1 else "scans"
    subjects = "subject" if count.subjects == 1 else "subjects"
    return [(f"{count.scans:,} {scans} of {count.subjects:,} {subjects}", False)]


def wrapped(text: str, head: bool) -> list[Line]:
    return [(line, head) for line in textwrap.wrap(text, LETTERS)]


def box(x: float, y: float, lines: list[Line], excluded: bool = False) -> Box:
    return Box(x, y, 2 * PADDING + LINE * len(lines), lines, excluded)
