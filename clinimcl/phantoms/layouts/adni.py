"""The phantom as ADNI's archive unpacks, with an ADNIMERGE of half-yearly visits."""

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from clinimcl.phantoms.brain.cohort import DAYS_A_YEAR, Member, truth, write_scan
from clinimcl.phantoms.brain.parameters import BrainParameters

FIRST_ENTRY = datetime(2005, 9, 7, 8, 30)
DAYS_TO_ARCHIVE = 400  # file names carry the time of archiving, which is not the scan's
MONTH = DAYS_A_YEAR / 12
DIAGNOSES = ((1.0, "Dementia"), (0.5, "MCI"), (0.0, "CN"))  # from a global CDR on
AT_BASELINE = {"CN": "CN", "MCI": "LMCI", "Dementia": "AD"}


def subject_name(member: Member) -> str:
    """Begins with the number of the site at which the subject entered."""
    return f"{site_number(member.sessions[0][0].scanner.site):03d}_S_{member.number + 1:04d}"


def site_number(site: str) -> int:
    return 1 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(site.removeprefix("site-"))


def entry(member: Member) -> datetime:
    return FIRST_ENTRY + timedelta(days=37 * member.number % 1000)


def write_member(out: Path, member: Member, parameters: BrainParameters) -> list[dict[str, object]]:
    """Writes the scans; gives their rows of the truth.

    Compressed, unlike the archive's .nii, since 300 subjects would take 2 GB. A second run is a series of its own.
    """
    name, rows, image = subject_name(member), [], 10000 + 100 * member.number
    for runs in member.sessions:
        for number, session in enumerate(runs):
            image += 1
            time = entry(member) + timedelta(days=session.day, minutes=12 * number)
            series = "MP-RAGE" if number == 0 else "MP-RAGE_REPEAT"
            archived = (time + timedelta(days=DAYS_TO_ARCHIVE)).strftime("%Y%m%d%H%M%S") + "001"
            folder = f"ADNI/{name}/{series}/{time:%Y-%m-%d_%H_%M_%S}.0/I{image}"
            path = f"{folder}/ADNI_{name}_MR_{series}_Br_{archived}_S{image - 5000}_I{image}.nii.gz"
            write_scan(out / path, member, session, parameters)
            rows.append(truth(member, name, session, path, parameters))
    return rows


def write_tables(out: Path, members: list[Member]) -> None:
    rows = [row for member in members for row in _visits(member)]
    pd.DataFrame(rows).to_csv(out / "ADNIMERGE.csv", index=False)


def _visits(member: Member) -> list[dict[str, object]]:
    first = _diagnosis(member.visits[0].scores.global_rating)
    rows: list[dict[str, object]] = []
    for visit in member.visits:
        month = 6 * round(visit.day / (6 * MONTH))
        nearest = min(member.sessions, key=lambda runs: abs(runs[0].day - visit.day))
        rows.append(
            {
                "RID": member.number + 1,
                "PTID": subject_name(member),
                "SITE": site_number(nearest[0].scanner.site),
                "VISCODE": f"m{month:02d}" if month else "bl",
                "EXAMDATE": f"{entry(member) + timedelta(days=visit.day):%Y-%m-%d}",
                "DX_bl": AT_BASELINE[first],
                "AGE": round(member.subject.person.age_at_entry, 1),
                "PTGENDER": "Female" if member.subject.sex == "F" else "Male",
                "CDRSB": visit.scores.sum_of_boxes,
                "MMSE": int(visit.scores.mmse),
                "DX": _diagnosis(visit.scores.global_rating),
                "Years_bl": round(visit.day / DAYS_A_YEAR, 6),
                "Month": month,
            }
        )
    return rows


def _diagnosis(global_rating: float) -> str:
    return next(name for least, name in DIAGNOSES if global_rating >= least)
