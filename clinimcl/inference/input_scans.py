"""A scan of a person as it comes to be answered: a file, or a folder of DICOM slices."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float16

from clinimcl.cohorts.files.endings import TENSOR
from clinimcl.errors import UserError
from clinimcl.inference.card import Input
from clinimcl.preparation.fetching import UnreadableFile, digest
from clinimcl.preparation.formats.decoding import decode, is_clip
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.scan_files import fetch_scan

MOST_BYTES = 2**29  # of a scan as it is decoded: 512 × 512 × 1024 voxels of int16, a clip of 1920 × 1080 for 8 seconds
MOST_PIXELS = 4096 * 2304  # of a frame: fitting one to the grid takes some 80 bytes a pixel
ONE = {"clip": "a video or a still", "volume": "a volume"}
MANY = {"clip": "videos", "volume": "volumes"}


class Refused(UserError):
    """A scan, or two, that the model does not answer: the message says why, without a path or a name."""


class Unread(UserError):
    """A scan that may be answered another time: not it is at fault. The message is without a path or a name, too."""


class Given(NamedTuple):
    """One of the two scans."""

    role: str  # earlier, or later: how it is called in sentences
    decoded: Scan | Clip
    prepared: Float16[np.ndarray, "a b c"]
    content: str  # digest of the file's bytes


def given(role: str, path: str, pipeline: Pipeline, wanted: Input) -> Given:
    """Read and prepared as in training.

    Raises:
        Refused: it is no scan of the kind that the model knows.
        Unread, UserError: it cannot be read now.
    """
    place = f"{path.rstrip('/')}/" if os.path.isdir(path) else path
    try:
        if place.lower().endswith(TENSOR):
            raise UnusableScan("tensors are not answered: give the scan that it was made of")
        raw = fetch_scan(place)
        check_kind("clip" if is_clip(place, raw) else "volume", wanted)
        decoded = decode(place, raw, MOST_BYTES, wanted.preparation.get("orientation"))
        check_sizes(decoded, wanted)
        return Given(role, decoded, pipeline.prepare(decoded), digest(raw))
    except UnreadableFile as unread:
        raise Unread(f"the {role} scan cannot be used: {unread}") from None
    except UnusableScan as unusable:
        raise Refused(f"the {role} scan cannot be used: {unusable}") from None
    except MemoryError:
        raise Unread(f"the {role} scan cannot be used: this machine has too little memory for it") from None
    except UserError:
        raise
    except Exception as error:  # as many kinds as there are flaws; messages and tracebacks may quote the file
        raise Refused(f"the {role} scan cannot be used: it cannot be prepared ({type(error).__name__})") from None


def given_pair(earlier: str, later: str, pipeline: Pipeline, wanted: Input) -> tuple[Given, Given]:
    """Both at once, each on a core.

    Raises:
        Refused: as `given`, of the earlier one first.
    """
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(given, *own, pipeline, wanted) for own in (("earlier", earlier), ("later", later))]
        return both[0].result(), both[1].result()


def check_kind(kind: str, wanted: Input) -> None:
    """Raises UnusableScan: a video where a volume is expected, or the other way round."""
    if kind != wanted.kind:
        raise UnusableScan(f"it is {ONE[kind]}, and the model was trained on {MANY[wanted.kind]}")


def check_sizes(decoded: Scan | Clip, wanted: Input) -> None:
    """Raises UnusableScan: slices are too thick, or frames too large."""
    if isinstance(decoded, Clip):
        height, width = decoded.frames.shape[1:]
        if height * width > MOST_PIXELS:
            raise UnusableScan(f"has an absurd size: frames of {width} × {height} pixels")
    elif wanted.thickest is not None:
        spacing = wanted.preparation.get("spacing") or decoded.spacing
        if max(spacing) > wanted.thickest:
            raise UnusableScan(
                f"its slices are {max(spacing):.3g} mm apart, and the model needs at most {wanted.thickest:.3g} mm"
            )
