"""One phantom brain: sampling draws the numbers, rendering turns them into a scan without any randomness."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16

from clinimcl.phantoms.brain.acquisition import BIAS_TERMS, Pose, Scanner, acquire, pose_matrix, sample_pose
from clinimcl.phantoms.brain.anatomy import load_anatomy
from clinimcl.phantoms.brain.course import Person, State, sample_person, state_at
from clinimcl.phantoms.brain.parameters import BrainParameters
from clinimcl.phantoms.brain.shape import Shape, anatomical_map, warp_template

FIELD_OF_VIEW = (208.0, 240.0, 208.0)  # mm
WHITE_MATTER = 1000.0  # stored intensity of white matter before contrast, shading and noise


class Subject(NamedTuple):
    person: Person
    sex: str
    size: float  # linear, relative to the template
    ventricles: float  # volume before ageing, relative to the template; likewise hippocampi
    hippocampi: float
    own_seed: int  # of the deformation that makes the brain its own
    home: int  # scanner of the first session


class Session(NamedTuple):
    """One scan's numbers; a second run of the same session differs in pose by little and in noise."""

    day: int  # since entry
    state: State
    scanner: Scanner
    pose: Pose
    gamma: float
    bias: tuple[float, ...]
    noise_seed: int


def sample_subject(generator: np.random.Generator, parameters: BrainParameters) -> Subject:
    identity, acquisition = parameters.identity, parameters.acquisition
    person = sample_person(generator, parameters.course)
    sex = "F" if generator.random() < 0.55 else "M"
    log_size = generator.normal(identity.size_of_men / 2 * (1 if sex == "M" else -1), identity.size_spread)
    return Subject(
        person,
        sex,
        float(identity.size * np.exp(log_size)),
        float(np.exp(generator.normal(0.0, identity.ventricle_spread))),
        float(np.exp(generator.normal(0.0, identity.hippocampus_spread))),
        int(generator.integers(2**31)),
        int(generator.integers(acquisition.sites * acquisition.scanners_a_site)),
    )


def sample_session(
    generator: np.random.Generator,
    parameters: BrainParameters,
    person: Person,
    scanner: Scanner,
    day: int,
) -> Session:
    acquisition = parameters.acquisition
    shading = generator.normal(0.0, acquisition.session_bias_spread, BIAS_TERMS)
    return Session(
        day,
        state_at(person, person.age_at_entry + day / 365.25, parameters.course),
        scanner,
        sample_pose(generator, acquisition.rotation, acquisition.shift),
        scanner.gamma * float(np.exp(generator.normal(0.0, acquisition.session_gamma_spread))),
        tuple((np.array(scanner.bias) + shading).tolist()),
        int(generator.integers(2**31)),
    )


def sample_rerun(generator: np.random.Generator, session: Session) -> Session:
    """The same session scanned again at once: the head has moved by up to a degree and a millimetre."""
    move, pose = sample_pose(generator, 1.0, 1.0), session.pose
    moved = Pose(_added(pose.rotation, move.rotation), _added(pose.shift, move.shift))
    return session._replace(pose=moved, noise_seed=int(generator.integers(2**31)))


def _added(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = np.add(first, second).tolist()
    return x, y, z


def grid_affine(spacing: float) -> Float[np.ndarray, "4 4"]:
    """Of the rendered volume, axes RAS: the field of view centred on the template's brain at rest."""
    shape = grid_shape(spacing)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [c - spacing * (n - 1) / 2 for c, n in zip(load_anatomy().centre, shape, strict=True)]
    return affine


def grid_shape(spacing: float) -> tuple[int, int, int]:
    x, y, z = (round(extent / spacing) for extent in FIELD_OF_VIEW)
    return x, y, z


def shape_of(subject: Subject, state: State) -> Shape:
    return Shape(
        subject.size,
        subject.own_seed,
        subject.ventricles * state.ventricles,
        subject.hippocampi * state.hippocampi,
        state.brain,
    )


def render(subject: Subject, session: Session, parameters: BrainParameters) -> Int16[np.ndarray, "x y z"]:
    """The scan on the RAS grid of `grid_affine`, brain only, background 0."""
    shape = shape_of(subject, session.state)
    pose = pose_matrix(session.pose, load_anatomy().centre)
    to_rest = np.linalg.inv(pose) @ grid_affine(parameters.spacing)
    volume = warp_template(anatomical_map(shape, parameters.identity), to_rest, grid_shape(parameters.spacing))
    acquired = acquire(volume, session.gamma, session.bias, session.scanner.noise, session.noise_seed)
    return np.rint(acquired * WHITE_MATTER).clip(0, 32767).astype(np.int16)
