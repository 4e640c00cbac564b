"""What a page shows of two scans: upright, laid over each other, without a face."""

import base64
import dataclasses
import io
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from clinimcl.preparation import alignment, geometry
from clinimcl.preparation.clips import Clips
from clinimcl.preparation.formats.reading import Scan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import VolumePipeline
from clinimcl.preparation.planes import middle_slice

SHOWN = 176  # voxels a side
FIELD_OF_VIEW = alignment.FIELD_OF_VIEW  # of what is shown: the mask that hides the face is the template's
LONGEST = 24  # frames of a clip
WIDEST = 320  # pixels of a clip
CELLS = {"volume": (6, 6, 6), "clip": (1, 7, 7)}  # that are hidden one after the other
STRONGEST = 99.5  # percentile of the absolute values at which colours are full

Volume = Float[np.ndarray, "x y z"]


class Upright(NamedTuple):
    """Both volumes in the pose of the template, the later one laid over the earlier one."""

    earlier: Volume
    later: Volume
    pose: alignment.Pose  # of the earlier one as it was prepared
    extent: float  # mm a side of what was prepared

    def on_earlier(self, values: Float[np.ndarray, "a b c"]) -> Volume:
        """Values on the voxels that the model sees, laid over the earlier volume."""
        wide = geometry.stretch(values.astype(np.float32), [SHOWN] * 3)
        return np.where(head_without_face(), _posed(wide, self.extent / SHOWN, self.pose, SHOWN), 0)


def upright(pipeline: VolumePipeline, earlier: Scan, later: Scan) -> Upright:
    """Prepared as for the model, on finer voxels; the paper's crop has no scale, and is shown as a head's."""
    finer = dataclasses.replace(pipeline, grid=SHOWN)
    step = pipeline.extent / SHOWN
    fine = [finer.prepare(scan).astype(np.float32) for scan in (earlier, later)]
    first = alignment.find_pose(fine[0], (step,) * 3)
    second = alignment.find_pose(fine[1], (step,) * 3, fixed=_posed(fine[0], step, first, alignment.GRID))
    keep = head_without_face()
    shown = [
        np.where(keep, _posed(volume, step, pose, SHOWN), 0) for volume, pose in zip(fine, (first, second), strict=True)
    ]
    return Upright(shown[0], shown[1], first, pipeline.extent)


def _posed(volume: Volume, step: float, pose: alignment.Pose, grid: int) -> Float[np.ndarray, "grid grid grid"]:
    return geometry.resample_rigidly(
        volume, (step,) * 3, rotation=pose.rotation, centre=pose.centre, grid=grid, field_of_view=FIELD_OF_VIEW
    )


@cache
def head_without_face() -> Bool[np.ndarray, "x y z"]:
    return geometry.stretch(alignment.near_brain().astype(np.float32), [SHOWN] * 3) > 0.5


def grey(volume: Volume, plane: str, most: float) -> str:
    """The middle slice as an address that holds it."""
    return _png((255 * np.clip(middle_slice(volume, plane) / most, 0, 1)).astype(np.uint8))


def frame(pixels: Float[np.ndarray, "row column"]) -> str:
    """Of a clip, black at 0 and white at 1, as an address that holds it."""
    return _png((255 * np.clip(pixels, 0, 1)).astype(np.uint8))


def over(volume: Volume, values: Volume, plane: str, most: float, strongest: float) -> str:
    """Values in red (above 0) and blue over the grey slice."""
    background = np.clip(middle_slice(volume, plane) / most, 0, 1)[..., None] * 255
    return _png(_coloured(middle_slice(values, plane), background, strongest))


def _coloured(
    values: Float[np.ndarray, "row column"], background: Float[np.ndarray, "row column 1"], strongest: float
) -> UInt8[np.ndarray, "row column 3"]:
    share = np.clip(values / max(strongest, 1e-12), -1, 1)[..., None]
    colour = np.where(share > 0, np.array([214.0, 39.0, 40.0]), np.array([31.0, 119.0, 180.0]))
    opacity = 0.85 * np.abs(share)
    return ((1 - opacity) * background + opacity * colour).astype(np.uint8)


def strength(values: Float[np.ndarray, "..."]) -> float:
    return float(np.percentile(np.abs(values), STRONGEST))


def moving(pipeline: Clips, decoded: Clip) -> str:
    """The clip as it plays, cropped to the picture, so that what is printed beside it does not show."""
    frames = min(LONGEST, len(decoded.frames))
    finer = dataclasses.replace(pipeline, frames=frames, side=max(WIDEST, pipeline.side), crop=True)
    shown = [Image.fromarray((255 * frame.astype(np.float32)).astype(np.uint8)) for frame in finer.prepare(decoded)]
    buffer = io.BytesIO()
    shown[0].save(buffer, "WEBP", save_all=True, append_images=shown[1:], duration=80, loop=0, quality=70)
    return _address("webp", buffer.getvalue())


def still(clip: Float[np.ndarray, "frame side side"], effect: Float[np.ndarray, "frame side side"]) -> str:
    """The middle frame with what hiding each place does."""
    middle = clip[len(clip) // 2].astype(np.float32)[..., None] * 255
    coloured = _coloured(effect[len(effect) // 2], middle, strength(effect))
    return _address("png", _encoded(Image.fromarray(coloured).resize((WIDEST, WIDEST))))


def _png(pixels: UInt8[np.ndarray, "..."]) -> str:
    return _address("png", _encoded(Image.fromarray(np.ascontiguousarray(pixels))))


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


Effect = Callable[[Float[np.ndarray, "scan a b c"], Float[np.ndarray, "scan a b c"]], Float[np.ndarray, " scan"]]


def occlusion(
    earlier: Float[np.ndarray, "a b c"], later: Float[np.ndarray, "a b c"], cells: tuple[int, int, int], support: Effect
) -> Float[np.ndarray, "a b c"]:
    """How much less the answer is supported when a cell of both scans is hidden by its mean; smooth between cells."""
    effect = cell_effects(earlier, later, cells, support)
    return geometry.stretch(effect.astype(np.float32), list(earlier.shape))


def cell_effects(
    earlier: Float[np.ndarray, "a b c"], later: Float[np.ndarray, "a b c"], cells: tuple[int, int, int], support: Effect
) -> Float[np.ndarray, "i j k"]:
    """How much less the answer is supported when each cell of both scans is hidden by its mean.

    `support` is what the model says of pairs for the answer that it gave. Empty cells have no effect.

    Source: Zeiler and Fergus 2014, section 4.2.
    """
    edges = [np.linspace(0, size, count + 1).astype(int) for size, count in zip(earlier.shape, cells, strict=True)]
    effect, whole = np.zeros(cells), float(support(earlier[None], later[None])[0])
    for index in np.ndindex(*cells):
        place = tuple(slice(edge[at], edge[at + 1]) for edge, at in zip(edges, index, strict=True))
        if max(earlier[place].max(), later[place].max()) > 0.05:
            effect[index] = whole - float(support(_hidden(earlier, place), _hidden(later, place))[0])
    return effect


def _hidden(scan: Float[np.ndarray, "a b c"], place: tuple[slice, ...]) -> Float[np.ndarray, "1 a b c"]:
    hidden = scan.astype(np.float32)
    hidden[place] = hidden[place].mean()
    return hidden[None]
