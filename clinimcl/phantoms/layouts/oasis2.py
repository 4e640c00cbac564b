"""The phantom as OASIS-2 unpacks: two archives of session folders, sagittal NIfTI pairs, one table."""

from pathlib import Path

import numpy as np
import pandas as pd

from clinimcl.phantoms.brain.cohort import DAYS_A_YEAR, Member, Visit, nearest_visit, scan_image, truth, write_pair
from clinimcl.phantoms.brain.course import global_rating
from clinimcl.phantoms.brain.parameters import BrainParameters

SAGITTAL = "PIR"  # axes from front to back, top to bottom, and left to right, slice by slice
# The brain fills about 0.86 of a young head (Fotenos et al. 2005, Neurology 64:1032); the errors
# are such that a year's loss of brain, half a percent of it, is about one of them.
YOUNG_BRAIN, BRAIN_ERROR = 0.86, 0.004
HEAD_OF_TEMPLATE, HEAD_ERROR = 1880.0, 0.005  # ml inside the MNI152 template's skull, about; a share
TEMPLATE_OF_ASF = 1755.0  # ml: ASF is this over eTIV (Buckner et al. 2004, NeuroImage 23:724)


def subject_name(member: Member) -> str:
    return f"OAS2_{member.number + 1:04d}"


def session_names(member: Member) -> list[str]:
    """Of every third subject the second number is left out, as of OAS2_0007: it tells no order of visits."""
    numbers = range(1, len(member.sessions) + 1)
    skipped = [number + (number > 1 and member.number % 3 == 1) for number in numbers]
    return [f"{subject_name(member)}_MR{number}" for number in skipped]


def part(member: Member, place: int) -> str:
    """The archive of a session. Of every fourth subject the later sessions lie in the other one."""
    return f"OAS2_RAW_PART{1 + (member.number % 2 + (place > 0 and member.number % 4 == 3)) % 2}"


def write_member(out: Path, member: Member, parameters: BrainParameters) -> list[dict[str, object]]:
    """Writes the scans; gives their rows of the truth.

    Not compressed, as OASIS-2 is not: 2.5 MB a scan at 2 mm.
    """
    name, rows = subject_name(member), []
    for place, (label, runs) in enumerate(zip(session_names(member), member.sessions, strict=True)):
        for number, session in enumerate(runs, start=1):
            path = f"{part(member, place)}/{label}/RAW/mpr-{number}.nifti.hdr"
            write_pair(out / path, scan_image(member, session, parameters, SAGITTAL))
            true = truth(member, name, session, path, parameters)
            rows.append(true | {"cdr": global_rating(session.state.stage)})
    return rows


def write_tables(out: Path, members: list[Member]) -> None:
    """The longitudinal demographics; OASIS-2's visits are those of its scans."""
    rows = [row for member in members for row in _rows(member)]
    pd.DataFrame(rows).to_csv(out / "oasis_longitudinal.csv", index=False)


def _rows(member: Member) -> list[dict[str, object]]:
    generator = np.random.default_rng([member.number, member.subject.own_seed])
    first = member.sessions[0][0].day
    visits = [nearest_visit(member, runs[0].day) for runs in member.sessions]
    rows: list[dict[str, object]] = []
    for place, (label, runs) in enumerate(zip(session_names(member), member.sessions, strict=True)):
        session = runs[0]
        head = HEAD_OF_TEMPLATE * member.subject.size**3 * (1 + generator.normal(0, HEAD_ERROR))
        brain = YOUNG_BRAIN * session.state.brain + generator.normal(0, BRAIN_ERROR)
        age = member.subject.person.age_at_entry + session.day / DAYS_A_YEAR
        rows.append(
            {
                "Subject ID": subject_name(member),
                "MRI ID": label,
                "Group": _group(visits),
                "Visit": place + 1,
                "MR Delay": session.day - first,
                "M/F": member.subject.sex,
                "Hand": "R",
                "Age": round(age),
                "EDUC": "",
                "SES": "",
                "MMSE": int(visits[place].scores.mmse),
                "CDR": visits[place].scores.global_rating,
                "eTIV": round(head),
                "nWBV": round(brain, 3),
                "ASF": round(TEMPLATE_OF_ASF / head, 3),
            }
        )
    return rows


def _group(visits: list[Visit]) -> str:
    ill = [visit.scores.global_rating > 0 for visit in visits]
    if not any(ill):
        return "Nondemented"
    return "Demented" if ill[0] else "Converted"
