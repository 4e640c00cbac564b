"""The phantom as a BIDS data set with sessions, whose labels do not tell their order."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from clinimcl.phantoms.brain.cohort import Member, nearest_visit, truth, write_scan
from clinimcl.phantoms.brain.parameters import BrainParameters

FIRST_DAY = datetime(2001, 1, 1, 9)


def subject_name(member: Member) -> str:
    return f"sub-{member.number + 1:04d}"


def session_names(member: Member) -> list[str]:
    """Of every third subject the labels run backwards, as where sessions were named when archived."""
    names = [f"ses-{number + 1:02d}" for number in range(len(member.sessions))]
    return names[::-1] if member.number % 3 == 1 else names


def write_member(out: Path, member: Member, parameters: BrainParameters) -> list[dict[str, object]]:
    name, rows = subject_name(member), []
    labels = session_names(member)
    for label, runs in zip(labels, member.sessions, strict=True):
        for number, session in enumerate(runs, start=1):
            run = f"_run-{number}" if len(runs) > 1 else ""
            path = f"{name}/{label}/anat/{name}_{label}{run}_T1w.nii.gz"
            write_scan(out / path, member, session, parameters)
            rows.append(truth(member, name, session, path, parameters))
    table = pd.DataFrame(
        [_session_row(member, label, runs[0].day) for label, runs in zip(labels, member.sessions, strict=True)]
    )
    table.sort_values("session_id").to_csv(out / name / f"{name}_sessions.tsv", sep="\t", index=False)
    return rows


def write_tables(out: Path, members: list[Member]) -> None:
    people = [
        {
            "participant_id": subject_name(member),
            "age": round(member.subject.person.age_at_entry, 2),
            "sex": member.subject.sex,
            "site": member.sessions[0][0].scanner.site,
        }
        for member in members
    ]
    pd.DataFrame(people).to_csv(out / "participants.tsv", sep="\t", index=False)
    description = {"Name": "clinimcl brain phantom", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    (out / "dataset_description.json").write_text(json.dumps(description, indent=2) + "\n")


def _session_row(member: Member, label: str, day: int) -> dict[str, object]:
    visit = nearest_visit(member, day)
    start = FIRST_DAY + timedelta(days=37 * member.number % 1000)
    return {
        "session_id": label,
        "acq_time": (start + timedelta(days=day)).isoformat(),
        "age": round(member.subject.person.age_at_entry + day / 365.25, 2),
        "mmse": int(visit.scores.mmse),
        "cdr_sum": visit.scores.sum_of_boxes,
        "cdr": visit.scores.global_rating,
    }
