"""Both scans of a pair, small enough for ten pairs on two pages."""

from typing import NamedTuple

import numpy as np

from clinimcl.evaluation.drawing.clips import is_clip
from clinimcl.evaluation.review.inputs import Picture
from clinimcl.inference import rendering

SHOWN_PLANES = ("axial", "coronal")
BRIGHTEST = 99.5  # percentile of the tissue that is drawn white


class Panel(NamedTuple):
    caption: str
    address: str  # that holds the picture


def pair_panels(pair: tuple[Picture, Picture], roles: tuple[str, str]) -> list[Panel]:
    """Six: of volumes both and their difference in two planes, of clips three frames of each.

    `roles` are what the two scans are to each other, such as earlier and later.
    """
    if is_clip(pair[0]):
        return [*frames(pair[0], roles[0]), *frames(pair[1], roles[1])]
    return [panel for plane in SHOWN_PLANES for panel in plane_panels(pair, roles, plane)]


def shows_clips(panels: list[Panel]) -> bool:
    return not any(panel.caption == "difference" for panel in panels)


def plane_panels(pair: tuple[Picture, Picture], roles: tuple[str, str], plane: str) -> list[Panel]:
    """As radiologists look at them, grey to one brightness; red: the second is brighter, blue: darker."""
    earlier, later = pair
    most = brightest(earlier)
    difference = later - earlier
    coloured = rendering.over(earlier, difference, plane, 3 * most, rendering.strength(difference))
    return [
        Panel(f"{plane}, {roles[0]}", rendering.grey(earlier, plane, most)),
        Panel(roles[1], rendering.grey(later, plane, most)),
        Panel("difference", coloured),
    ]


def brightest(volume: Picture) -> float:
    tissue = volume[volume > 0]
    return float(np.percentile(tissue, BRIGHTEST)) if tissue.size else 1.0


def frames(clip: Picture, name: str) -> list[Panel]:
    """The first, the middle and the last."""
    numbers = np.linspace(0, len(clip) - 1, 3).astype(int)
    places = zip(("first frame", "middle", "last"), numbers, strict=True)
    return [Panel(f"{name}, {place}", rendering.frame(clip[number])) for place, number in places]
