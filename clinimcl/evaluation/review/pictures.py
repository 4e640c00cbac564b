"""Both scans of a pair, small enough for ten pairs on two pages."""

from typing import NamedTuple

import numpy as np

from clinimcl.evaluation.clips import is_clip
from clinimcl.evaluation.review.inputs import Picture
from clinimcl.inference import picture

SHOWN_PLANES = ("axial", "coronal")
BRIGHTEST = 99.5  # percentile of the tissue that is drawn white


class Panel(NamedTuple):
    caption: str
    address: str  # that holds the picture


def pair_panels(earlier: Picture, later: Picture) -> list[Panel]:
    """Six: of volumes both and their difference in two planes, of clips three frames of each."""
    if is_clip(earlier):
        return [*frames(earlier, "earlier"), *frames(later, "later")]
    return [panel for plane in SHOWN_PLANES for panel in plane_panels(earlier, later, plane)]


def shows_clips(panels: list[Panel]) -> bool:
    return not any(panel.caption == "difference" for panel in panels)


def plane_panels(earlier: Picture, later: Picture, plane: str) -> list[Panel]:
    """As radiologists look at them, grey to one brightness; in the difference red is brighter later, blue darker."""
    most = brightest(earlier)
    difference = later - earlier
    coloured = picture.over(earlier, difference, plane, 3 * most, picture.strength(difference))
    return [
        Panel(f"{plane}, earlier", picture.grey(earlier, plane, most)),
        Panel("later", picture.grey(later, plane, most)),
        Panel("difference", coloured),
    ]


def brightest(volume: Picture) -> float:
    tissue = volume[volume > 0]
    return float(np.percentile(tissue, BRIGHTEST)) if tissue.size else 1.0


def frames(clip: Picture, name: str) -> list[Panel]:
    """The first, the middle and the last."""
    numbers = np.linspace(0, len(clip) - 1, 3).astype(int)
    places = zip(("first frame", "middle", "last"), numbers, strict=True)
    return [Panel(f"{name}, {place}", picture.frame(clip[number])) for place, number in places]
