"""ADNI as the LONI archive gives it: a folder a subject, series, time and image; NIfTI, or DICOM by the slice."""

import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.files.adni_series import Chosen, choose_series, series_counts
from clinimcl.cohorts.files.bids_names import folders_like, once
from clinimcl.cohorts.files.copies import without_copies
from clinimcl.cohorts.files.sidecar import scanners
from clinimcl.cohorts.tables.adnimerge import Visits, find, read_visits
from clinimcl.cohorts.tables.parsing import ages, column, dates, sexes
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.visits import match, no_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree, explore, read_csv

OBTAIN = (
    "ADNI is given to researchers on application at https://adni.loni.usc.edu; "
    "`python -m clinimcl.phantom layout=adni out=DIR subjects=60` writes a generated cohort in the same layout, with "
    "which cohort.root=DIR runs the same experiment today"
)

_SCAN = re.compile(
    r"(?:^|/)(?P<subject>(?P<site>\d{3})_S_\d+)/(?P<series>[^/]+)"
    r"/(?P<session>\d{4}-\d\d-\d\d)_(?P<clock>[\d_.]+)/(?P<image>[IS]\d+)"
    r"/(?P<name>[^/]+\.(?P<kind>nii|nii\.gz|hdr|hdr\.gz|dcm))$",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"_(I\d+)\.[^/]+$")
_ACQUISITION = re.compile(r"_(S\d+)_I?\d*[^/]*$")
_MIDNIGHT = r"^[0_.]+$"  # the archive's time of a scan that has none
_EXAMPLE = "002_S_0295/MP-RAGE/2006-04-18_08_20_30.0/I13722/ADNI_002_S_0295_MR_MP-RAGE_Br_2006_S13408_I13722.nii"
_COLLECTION = ("Image Data ID", "Subject")
_COLLECTED = "the CSV of the download"


@dataclass(frozen=True, kw_only=True)
class Adni(Cohort):
    """Subject and date come from the folders: the long number in a file's name is when the archive wrote it.

    clinical is ADNIMERGE or the table of one instrument, such as MMSE.csv (path or URL); None looks
    for ADNIMERGE.csv or ADNIMERGE_<date>.csv below the root, then beside it, and then for a table
    named after the score. collection is the CSV that LONI writes of a download; where it is named,
    only its images are read.
    """

    obtain = OBTAIN

    series: str | None  # regular expression, whatever its case, that a series' name must contain; None takes all
    clinical: str | None
    collection: str | None
    window_days: float | int  # a visit further than this from a scan says nothing about it
    sidecars: bool  # whether a JSON beside a scan is read for its scanner

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window_days < 0:
            raise UserError(f"cohort.window_days must be at least 0, got {self.window_days:g}")
        try:
            re.compile(self.series or "")
        except re.error as error:
            raise UserError(f"cohort.series={self.series} is not a regular expression: {error}") from error

    def read(self) -> Reading:
        """Scans with score, age, sex and site, and the audit of the matching. Days count from 1970.

        Age and sex are ADNIMERGE's; where it has none, the collection's.
        """
        tree = explore(self.root, self.obtain)
        scans, remarks = self._scans(tree)
        visits = self._visits(tree, scans["subject"])
        if visits is not None:
            found = visits.people(scans, self.extra_columns())
            scans = found.combine_first(scans)
        if self.score is None or visits is None:
            return Reading(scans, no_visits(), remarks + (() if visits is None else visits.remarks.sentences()))
        scored, name, higher_is = visits.scores(self.score, self.higher_is)
        matched = match(scans, scored, window_days=self.window_days)
        scans = matched.scans.assign(score_name=name, higher_is=higher_is)
        return Reading(scans, matched.audit, remarks + visits.remarks.sentences())

    def _scans(self, tree: Tree) -> Chosen:
        (listed, copied), told = without_copies(list_scans(tree), ["subject", "series", "session", "image"]), Remarks()
        folders = folders_like(tree.files, _SCAN)
        told.count(folders, "folders are named like scans: nothing is read of them")
        listed = _named_after_image(listed, told)
        if self.collection is not None:
            listed = _of_collection(listed, self.collection, told)
        scans, remarks = choose_series(listed, self.series)
        if scans.empty:
            there = "" if listed.empty else f"; there are {series_counts(listed['series'])}"
            asked = f" of a series that contains {self.series} (cohort.series)"
            selected = "" if self.series is None else asked
            hint = f"{folders} folders are named like one. " if folders else ""
            raise no_scans(f"scans of ADNI{selected}{there}", self.root, _EXAMPLE, hint + self.obtain, tree.files)
        scans = scans.assign(day=dates(scans["session"], "folders of ADNI,"), run=_runs(scans))
        if self.sidecars:
            scans = scans.assign(scanner=scanners(tree, scans["file"], told)["scanner"])
        scans = scans.drop(columns=["series", "time", "acquisition", "image", "file", "above"])
        return Chosen(scans, copied + remarks + told.sentences())

    def _visits(self, tree: Tree, subjects: pd.Series) -> Visits | None:
        address = self.clinical or find(tree, self.score)
        if address is not None:
            return read_visits(address, subjects)
        if self.score is None:
            return None
        raise UserError(
            f"cohort.score={self.score} needs ADNIMERGE: no ADNIMERGE.csv or ADNIMERGE_<date>.csv, and no table "
            f"{self.score}.csv or {self.score}_<date>.csv, below {self.root} or beside it; download one from "
            "https://ida.loni.usc.edu (Study Data) and name it with cohort.clinical=FILE"
        )


def list_scans(tree: Tree) -> pd.DataFrame:
    """subject, session (the scan's date), site, series, time, acquisition (S…), image, path, file and above.

    The image is I…, or S… where nothing names it. Time and acquisition are "" where unknown.
    One row a NIfTI file; a folder of DICOM slices is one row, whose path is the folder's address and ends with a
    slash. Slices beside a NIfTI file of the same image are the same scan.
    """
    found = [(file, _SCAN.search(file)) for file in once(tree.files)]
    hits = [(file, hit, {"where": file.rpartition("/")[0], "above": file[: hit.start()]}) for file, hit in found if hit]
    rows = [hit.groupdict() | {"file": file} | folders for file, hit, folders in hits]
    scans = pd.DataFrame(rows, columns=[*_SCAN.groupindex, "file", "where", "above"])
    slices = scans["kind"].str.lower() == "dcm"
    volumes = scans[~slices]
    folders = scans[slices & ~scans["where"].isin(volumes["where"])].drop_duplicates("where")
    scans = pd.concat(
        [
            volumes.assign(path=[tree.address(file) for file in volumes["file"]]),
            folders.assign(path=[tree.address(folder) + "/" for folder in folders["where"]]),
        ]
    )
    named = scans["name"].str.extract(_IMAGE, expand=False).fillna(scans["image"])
    clock = scans["clock"].mask(scans["clock"].str.match(_MIDNIGHT), "")
    scans = scans.assign(
        image=named.astype(object),
        subject=scans["subject"].str.upper(),
        time=(scans["session"] + "_" + clock).where(clock != "", ""),
        acquisition=scans["name"].str.extract(_ACQUISITION, expand=False).fillna(""),
    )
    scans = scans.drop(columns=["name", "kind", "where", "clock"])
    return scans.sort_values("path", ignore_index=True)


def _named_after_image(scans: pd.DataFrame, remarks: Remarks) -> pd.DataFrame:
    """Without what programs wrote into an image's folder beside the file that bears its number."""
    named = scans["file"].str.extract(_IMAGE, expand=False).notna()
    folder = scans["file"].str.rsplit("/", n=1).str[0]
    others = ~named & named.groupby(folder).transform("any")
    remarks.count(
        int(others.sum()),
        "volumes lie in an image's folder beside the one that bears its number: they are left out",
    )
    return scans[~others]


def _runs(scans: pd.DataFrame) -> pd.Series:
    """The image's number where a session has several scans."""
    return scans["image"].where(scans.duplicated(["subject", "session"], keep=False), "")


def _of_collection(scans: pd.DataFrame, address: str, remarks: Remarks) -> pd.DataFrame:
    """The scans whose image the table lists, with its age and sex.

    Raises: UserError if it is no such table or lists none of the scans.
    """
    table = read_csv(address)
    names = {name.lower(): column([name], list(table.columns)) for name in (*_COLLECTION, "Age", "Sex")}
    absent = [name for name in _COLLECTION if names[name.lower()] is None]
    if absent:
        raise UserError(
            f"cohort.collection={address} must be the CSV of a LONI download, with a column {absent[0]}; there are "
            f"{', '.join(table.columns)}"
        )
    listed = table.set_index("I" + table[names["image data id"]].str.upper().str.removeprefix("I"))
    listed = listed[~listed.index.duplicated()]
    others = ~scans["image"].isin(listed.index)
    remarks.count(int(others.sum()), f"images are not in {_COLLECTED} (cohort.collection): they are left out")
    missing = int((~listed.index.isin(scans["image"])).sum())
    remarks.count(missing, f"images in {_COLLECTED} (cohort.collection) do not lie below cohort.root")
    scans = scans[~others]
    if scans.empty:
        raise UserError(f"cohort.collection={address}: none of its {len(listed)} images lies below cohort.root")
    rows = listed.reindex(scans["image"]).set_axis(scans.index, axis=0)
    if names["age"] is not None:
        scans = scans.assign(age=ages(rows[names["age"]], _COLLECTED, remarks))
    return scans if names["sex"] is None else scans.assign(sex=sexes(rows[names["sex"]], _COLLECTED, remarks))
