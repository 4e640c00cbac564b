"""python interchange/volumes.py [--only PATTERN]: a scan in what others write, read by clinimcl."""

import argparse
from itertools import chain

import dicom_series
import image_files
import judging
import nifti_files
import originals

from clinimcl.preparation.formats.reading import Scan
from clinimcl.preparation.pipeline import FieldOfView


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a pattern in the tool's and the form's name")
    scan = originals.scan()
    pipeline = FieldOfView(
        grid=96,
        spacing=None,
        field_of_view=224.0,
        percentile=99.5,
        align="none",
    )
    original = pipeline.prepare(Scan(scan.voxels, scan.spacing)).astype("float32")
    families = (nifti_files, image_files, dicom_series)
    forms = chain.from_iterable(family.forms(scan) for family in families)
    judging.judge_all(forms, original, pipeline, parser.parse_args().only)


if __name__ == "__main__":
    main()
