"""python interchange/clips.py [--only PATTERN]: a loop in what others write, read by clinimcl."""

import argparse
from itertools import chain

import cine_files
import judging
import originals
import still_files
import video_files
from jaxtyping import UInt8
from numpy import ndarray

from clinimcl.preparation.clips import Clips
from clinimcl.preparation.formats.video.video import Clip

# Without the crop, whose border moves with the noise that a codec leaves.
PIPELINE = Clips(frames=16, side=128, crop=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a pattern in the tool's and the form's name")
    frames = originals.clip()
    families = (video_files, still_files, cine_files)
    forms = chain.from_iterable(family.forms(frames, prepare) for family in families)
    judging.judge_all(forms, prepare(frames), PIPELINE, parser.parse_args().only)


def prepare(frames: UInt8[ndarray, "frame row column"]) -> judging.Prepared:
    """What is expected where these frames are shown, each for as long as the others."""
    return PIPELINE.prepare(Clip(frames)).astype("float32")


if __name__ == "__main__":
    main()
