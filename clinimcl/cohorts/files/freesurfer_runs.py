"""The runs of recon-all below a FreeSurfer subjects folder, and whose sessions their names say they are."""

import re
from collections import Counter
from typing import NamedTuple

import pandas as pd

from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree

_LONG = re.compile(r"(?P<point>.+)\.long\.(?P<base>.+)")
# what comes with FreeSurfer, and is nobody
_AVERAGE = re.compile(r"fsaverage.*|cvs_avg35.*|(?:[lr]h\.)?(?:V1|EC)_average|average", re.I)
_BIDS = re.compile(r"sub-(?P<subject>[A-Za-z0-9]+)(?:_ses-(?P<session>[A-Za-z0-9]+))?(?:_.*)?")


class Runs(NamedTuple):
    scans: pd.DataFrame  # folder, path, point (name of the time point) and base ("" of a cross-sectional run)
    remarks: tuple[str, ...]  # what was left out
    elsewhere: str = ""  # where no run has the image: the end of a sentence that says what lies there


def list_runs(tree: Tree, image: str, longitudinal: bool) -> Runs:
    """The runs with this image (mri/<image>.mgz), one row a folder.

    Where there is a longitudinal run and `longitudinal` holds, cross-sectional ones are left out:
    they are the same scans, read otherwise. Bases (<base> of a longitudinal run, or a folder with
    the list base-tps) are means of several scans.
    """
    found = _found(tree, image)
    kept = set(found.images) - found.bases - found.averages
    chosen = {name for name in kept if (name in found.longs) == longitudinal}
    if longitudinal and not chosen:
        chosen = kept
    rows = [
        {"folder": name, "path": tree.address(found.images[name]), "point": name, "base": ""}
        | (found.longs[name].groupdict() if name in found.longs else {})
        for name in sorted(chosen)
    ]
    scans = pd.DataFrame(rows, columns=["folder", "path", "point", "base"], dtype=str)
    other = "cross-sectional" if longitudinal else "longitudinal"
    counted = (
        (
            len(kept - chosen),
            f"{other} runs are left out, since the others are of the same scans "
            f"(cohort.longitudinal={str(not longitudinal).lower()} takes them instead).",
        ),
        (len(found.bases & set(found.images)), "bases (means of a person's time points) are left out."),
        (len(found.averages), "averages that come with FreeSurfer (fsaverage …) are left out."),
        (found.lacking, f"runs hold no mri/{image}.mgz and are left out."),
        (
            _unfinished(chosen, tree),
            "runs are unfinished or ended with an error (scripts/IsRunning, "
            "scripts/recon-all.error), and are read nevertheless.",
        ),
    )
    remarks = tuple(f"{count} {sentence}" for count, sentence in counted if count)
    return Runs(scans, remarks, "" if rows else _elsewhere(tree))


class _Found(NamedTuple):
    images: dict[str, str]  # folder → file
    longs: dict[str, re.Match[str]]  # folder → point and base
    bases: set[str]
    averages: set[str]
    lacking: int  # runs without the image


def _found(tree: Tree, image: str) -> _Found:
    pattern = re.compile(rf"([^/]+)/mri/{re.escape(image)}\.mg[hz]", re.I)
    images = {hit[1]: hit[0] for file in tree.files if (hit := pattern.fullmatch(file))}
    ran = {file.split("/")[0] for file in tree.files if re.match(r"[^/]+/mri/", file)}
    longs = {name: hit for name in ran if (hit := _LONG.fullmatch(name))}
    listed = {file.split("/")[0] for file in tree.files if re.fullmatch(r"[^/]+/base-tps(?:\..*)?", file)}
    bases = {hit["base"] for hit in longs.values()} | listed
    averages = {name for name in ran if _AVERAGE.fullmatch(name)}
    return _Found(images, longs, bases, averages, len(ran - set(images) - bases - averages))


def _unfinished(chosen: set[str], tree: Tree) -> int:
    marks = (re.fullmatch(r"([^/]+)/scripts/(?:IsRunning.*|recon-all\.error)", file) for file in tree.files)
    return len({hit[1] for hit in marks if hit} & chosen)


def _elsewhere(tree: Tree) -> str:
    """ "; …" where images, or runs deeper below, lie there instead; else ""."""
    hits = [hit for file in tree.files if (hit := re.fullmatch(r"(.*?)([^/]+)/mri/([^/]+)\.mg[hz]", file))]
    runs = {(hit[1].rstrip("/"), hit[2]) for hit in hits if hit[1]}
    folders = Counter(folder for folder, _ in runs)
    shared = sorted(folder for folder, held in folders.items() if held > 1)  # others may be a person's
    images = sorted({hit[3] for hit in hits if not hit[1]})
    if images:
        return f" (cohort.image; there are {', '.join(images[:12])})"
    if not runs:
        return ""
    return f" ({len(runs)} lie deeper: name their SUBJECTS_DIR{f', such as {shared[0]}' if shared else ''})"


def name_runs(runs: pd.DataFrame, pattern: str | None, *, told: bool = False) -> pd.DataFrame:
    """The runs with subject and session, by the pattern, BIDS names, or the base.

    Args:
        told: a table says whose each run is.

    Raises: UserError where a name does not match the pattern, or names look like sessions of a
        person and nothing says so: one person would be several.
    """
    if pattern is not None:
        return _by_pattern(runs, pattern)
    hits = [_BIDS.fullmatch(point) for point in runs["point"]]
    based = runs["base"] != ""
    if all(hits):
        named = [hit.groupdict("") for hit in hits if hit]
        subject, session = ([each[key] for each in named] for key in ("subject", "session"))
        return _one_session(runs.assign(subject=subject, session=session))
    if based.all():
        return runs.assign(subject=runs["base"], session=runs["point"])
    if not told:
        _refuse_sessions(runs["point"])
    return runs.assign(subject=runs["point"], session="")


def _by_pattern(runs: pd.DataFrame, pattern: str) -> pd.DataFrame:
    hits = [re.fullmatch(pattern, point) for point in runs["point"]]
    lost = sum(hit is None for hit in hits)
    if lost:
        raise UserError(
            f"cohort.pattern={pattern} must match every run's name as a whole: {lost} of {len(runs)} do not"
        )
    named = [hit.groupdict("") for hit in hits if hit]
    subject, session = ([each.get(key, "") for each in named] for key in ("subject", "session"))
    return _one_session(runs.assign(subject=subject, session=session))


def _one_session(runs: pd.DataFrame) -> pd.DataFrame:
    """Several runs of one session become its runs, under their own names."""
    same = runs.duplicated(["subject", "session"], keep=False)
    return runs.assign(run=runs["point"].where(same, ""))


def alone(runs: pd.DataFrame, pattern: str | None) -> tuple[str, ...]:
    """A sentence that counts the runs that are each taken for another person, since nothing says otherwise."""
    own = int((runs["subject"] == runs["point"]).sum())
    if pattern is not None or not own:
        return ()
    return (
        f"{own} runs are taken for one person each, under the run's name: where a person has several, say so by "
        "cohort.pattern or a table.",
    )


def _refuse_sessions(points: pd.Series) -> None:
    """Names that share all but their last part look like sessions of a person; if all of them do, like numbers."""
    stems = points.str.extract(r"^(.+?)[-_.][^-_.]+$", expand=False)
    sizes = stems.dropna().value_counts()
    if sizes.empty or sizes.max() in (1, len(points)):
        return
    raise UserError(
        f"{int(sizes[sizes > 1].sum())} of {len(points)} runs share all but the last part of their name, as "
        "sessions of a person do: say by cohort.pattern what is what, such as "
        "'(?P<subject>.+)_(?P<session>[^_]+)', or '(?P<subject>.+)' where each run is another person"
    )
