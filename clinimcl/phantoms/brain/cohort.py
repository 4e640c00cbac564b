"""A member of the phantom cohort: all that happens to a subject, and its scans as files."""

import gzip
import json
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np

from clinimcl.phantoms.brain.acquisition import Scanner, pose_matrix, sample_scanners
from clinimcl.phantoms.brain.anatomy import load_anatomy
from clinimcl.phantoms.brain.brain import (
    Session,
    Subject,
    grid_affine,
    render,
    sample_rerun,
    sample_session,
    sample_subject,
)
from clinimcl.phantoms.brain.course import Scores, sample_scores, state_at
from clinimcl.phantoms.brain.parameters import BrainParameters, ChangingCourse, Course, TravellingAcquisition

DAYS_A_YEAR = 365.25
HALF_YEAR = DAYS_A_YEAR / 2
JOURNEY = 1  # tells the draws of a travelling head from others


class Visit(NamedTuple):
    """A clinical visit; the scanner is not there."""

    day: int
    age: float
    scores: Scores


class Member(NamedTuple):
    """A subject with all that happens to it. `sessions` holds one or two runs a day on the scanner."""

    number: int  # in the cohort, from 0
    subject: Subject
    sessions: list[list[Session]]
    visits: list[Visit]


def sample_member(seed: int, index: int, parameters: BrainParameters) -> Member:
    """Depends on nothing but its arguments, so a smaller cohort is the beginning of a larger one."""
    generator = np.random.default_rng([seed, index])
    scanners = sample_scanners(np.random.default_rng([seed, 2**31]), parameters.acquisition)
    subject = sample_subject(generator, parameters)
    course = parameters.course
    sessions, scanner = [], scanners[subject.home]
    for number, day in enumerate(_sample_days(generator, course)):
        if number and generator.random() < parameters.acquisition.scanner_change:
            scanner = scanners[int(generator.integers(len(scanners)))]
        first = sample_session(generator, parameters, subject.person, scanner, day)
        again = generator.random() < course.two_runs_share
        sessions.append([first, sample_rerun(generator, first)] if again else [first])
    if isinstance(parameters.acquisition, TravellingAcquisition):
        journey = np.random.default_rng([seed, index, JOURNEY])  # of its own, so that all else stays as it is
        sessions[1:1] = _sample_journey(journey, parameters, sessions[0][0], subject, scanners, index)
    return Member(index, subject, sessions, _sample_visits(generator, subject, sessions[-1][0].day, parameters))


def _sample_journey(
    generator: np.random.Generator,
    parameters: BrainParameters,
    home: Session,
    subject: Subject,
    scanners: list[Scanner],
    index: int,
) -> list[list[Session]]:
    """Sessions on all other scanners in the days after the first one, of a head that travels; else none."""
    acquisition = parameters.acquisition
    assert isinstance(acquisition, TravellingAcquisition)
    sessions: list[list[Session]] = []
    day = home.day
    for scanner in scanners if index < acquisition.travelling else []:
        if scanner != home.scanner:
            first, last = acquisition.days_between
            day += int(generator.integers(first, last + 1))
            session = sample_session(generator, parameters, subject.person, scanner, day)
            sessions.append([session])
    return sessions


def travels(member: Member, parameters: BrainParameters) -> bool:
    acquisition = parameters.acquisition
    return isinstance(acquisition, TravellingAcquisition) and member.number < acquisition.travelling


def _sample_days(generator: np.random.Generator, course: Course) -> list[int]:
    """Days of the scans since entry."""
    count = 1 + int(generator.choice(len(course.sessions), p=course.sessions))
    gaps = generator.uniform(*course.years_between, count) * DAYS_A_YEAR
    if isinstance(course, ChangingCourse):
        gaps = np.rint(gaps / HALF_YEAR) * HALF_YEAR
        gaps[0] = 0.0
        days = np.cumsum(gaps) + generator.uniform(*course.days_from_visit, count)
        return np.maximum(days, 0).round().astype(int).tolist()
    gaps[0] = generator.uniform(0, 300)
    return np.cumsum(gaps).round().astype(int).tolist()


def _sample_visits(
    generator: np.random.Generator, subject: Subject, last: int, parameters: BrainParameters
) -> list[Visit]:
    """About once a year from entry until after the last scan, on days of their own; half-yearly on changing courses."""
    visits: list[Visit] = []
    day = 0
    while not visits or visits[-1].day < last:
        age = subject.person.age_at_entry + day / DAYS_A_YEAR
        scores = sample_scores(generator, state_at(subject.person, age, parameters.course), parameters.course)
        visits.append(Visit(day, age, scores))
        if isinstance(parameters.course, ChangingCourse):
            day = round(len(visits) * HALF_YEAR) + int(generator.integers(-14, 15))
        else:
            day += int(generator.integers(320, 420))
    return visits


def nearest_visit(member: Member, day: int) -> Visit:
    return min(member.visits, key=lambda visit: abs(visit.day - day))


def scan_image(member: Member, session: Session, parameters: BrainParameters, orientation: str) -> nib.Nifti1Image:
    """The scan as int16, its axes stored in this orientation ("LAS": right to left, …)."""
    volume = render(member.subject, session, parameters)
    image = nib.Nifti1Image(volume, grid_affine(parameters.spacing))
    image.header.set_xyzt_units("mm", "sec")
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(orientation)
    )
    return image.as_reoriented(turn)


def write_scan(path: Path, member: Member, session: Session, parameters: BrainParameters) -> None:
    """int16 NIfTI in the scanner's own orientation, compressed at level 1 without a time stamp."""
    image = scan_image(member, session, parameters, session.scanner.orientation)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), 1, mtime=0))
    sidecar = path.with_name(path.name.removesuffix(".nii.gz") + ".json")
    sidecar.write_text(json.dumps(scanner_description(session.scanner), indent=2) + "\n")


def write_pair(header: Path, image: nib.Nifti1Image) -> None:
    """A NIfTI pair: the header under its own path, the voxels beside it in a file .img."""
    pair = nib.Nifti1Pair(np.asarray(image.dataobj), image.affine, image.header)
    header.parent.mkdir(parents=True, exist_ok=True)
    files = {"header": header, "image": header.with_suffix(".img")}
    pair.to_file_map({name: nib.FileHolder(str(file)) for name, file in files.items()})


def scanner_description(scanner: Scanner) -> dict[str, str | float]:
    return {
        "Modality": "MR",
        "Manufacturer": "Phantom",
        "ManufacturersModelName": scanner.name,
        "DeviceSerialNumber": scanner.name.rpartition("-")[2],
        "InstitutionName": scanner.site,
        "MagneticFieldStrength": 3.0,
    }


def truth(member: Member, name: str, session: Session, path: str, parameters: BrainParameters) -> dict[str, object]:
    """One row of the truth file. `pose_rc` is row r, column c of the matrix from the head at rest to the scan."""
    state, scanner = session.state, session.scanner
    matrix = pose_matrix(session.pose, load_anatomy().centre)
    return {
        "path": path,
        "subject": name,
        "day": session.day,
        "age": round(member.subject.person.age_at_entry + session.day / DAYS_A_YEAR, 4),
        "stage": state.stage,
        "rate": state.rate,
        "mmse": state.mmse,
        "ventricles": state.ventricles,
        "hippocampi": state.hippocampi,
        "brain": state.brain,
        "site": scanner.site,
        "scanner": scanner.name,
        "travelling": travels(member, parameters),
        "gamma": session.gamma,
        "noise": scanner.noise,
        **{f"bias_{n}": value for n, value in enumerate(session.bias)},
        **{f"pose_{r}{c}": float(matrix[r, c]) for r in range(3) for c in range(4)},
    }
