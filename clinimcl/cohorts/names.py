"""What file names in the manner of BIDS say."""

from collections.abc import Sequence


def entities(name: str) -> str:
    """What tells a session's scans apart: "" , "01" (a run alone) or "acq-mprage_run-01".

    >>> entities("sub-01_ses-a_run-02_T1w.nii.gz")
    '02'
    """
    parts = [part for part in name.split("_")[:-1] if "-" in part]
    own = [part for part in parts if not part.startswith(("sub-", "ses-", "sess-"))]
    return own[0].removeprefix("run-") if len(own) == 1 and own[0].startswith("run-") else "_".join(own)


def once(files: Sequence[str]) -> list[str]:
    """The files without those .nii that lie there as .nii.gz too."""
    compressed = {file.removesuffix(".gz") for file in files if file.endswith(".nii.gz")}
    return [file for file in files if file not in compressed]
