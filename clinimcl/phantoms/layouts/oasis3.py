"""The phantom as OASIS-3 lies on a disk: session folders by day, clinical visits on other days."""

from pathlib import Path

import pandas as pd

from clinimcl.phantoms.brain.cohort import Member, truth, write_scan
from clinimcl.phantoms.brain.course import BOXES
from clinimcl.phantoms.brain.parameters import BrainParameters


def subject_name(member: Member) -> str:
    return f"OAS3{member.number + 1:04d}"


def write_member(out: Path, member: Member, parameters: BrainParameters) -> list[dict[str, object]]:
    """Writes the scans; gives their rows of the truth. `run-` stands only where a session has two runs, as there."""
    name, rows = subject_name(member), []
    for runs in member.sessions:
        day = f"d{runs[0].day:04d}"
        for number, session in enumerate(runs, start=1):
            run = f"_run-{number:02d}" if len(runs) > 1 else ""
            folder = f"{name}_MR_{day}/anat{number + 1}"
            path = f"{folder}/sub-{name}_ses-{day}{run}_T1w.nii.gz"
            write_scan(out / path, member, session, parameters)
            rows.append(truth(member, name, session, path, parameters))
    return rows


def write_tables(out: Path, members: list[Member]) -> None:
    """The clinical CSVs, with the days as text of four digits."""
    visits = [
        {
            "OASISID": subject_name(member),
            "OASIS_session_label": f"{subject_name(member)}_UDSb4_d{visit.day:04d}",
            "days_to_visit": f"{visit.day:04d}",
            "age at visit": f"{visit.age:.2f}",
            "MMSE": int(visit.scores.mmse),
            **dict(zip(BOXES, visit.scores.boxes, strict=True)),
            "CDRSUM": visit.scores.sum_of_boxes,
            "CDRTOT": visit.scores.global_rating,
            "dx1": _diagnosis(visit.scores.global_rating),
            **{f"dx{n}": "." for n in range(2, 6)},
        }
        for member in members
        for visit in member.visits
    ]
    people = [
        {
            "OASISID": subject_name(member),
            "AgeatEntry": f"{member.subject.person.age_at_entry:.4f}",
            "GENDER": 1 if member.subject.sex == "M" else 2,
            "EDUC": "",
            "APOE": "",
            "HAND": "",
        }
        for member in members
    ]
    pd.DataFrame(visits).to_csv(out / "OASIS3_UDSb4_cdr.csv", index=False)
    pd.DataFrame(people).to_csv(out / "OASIS3_demographics.csv", index=False)


def _diagnosis(global_rating: float) -> str:
    if global_rating == 0:
        return "Cognitively normal"
    return "uncertain dementia" if global_rating == 0.5 else "AD Dementia"
