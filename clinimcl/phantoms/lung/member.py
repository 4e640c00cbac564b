"""A member of the lung phantom: its chest, its stay in hospital, and what each session finds."""

from typing import NamedTuple

import numpy as np

from clinimcl.phantoms.lung.course import Chart, Stay, sample_chart, sample_stay
from clinimcl.phantoms.lung.echo import Lung, Thorax, seen
from clinimcl.phantoms.lung.parameters import Chest, LungParameters
from clinimcl.phantoms.lung.screen import View, half_face
from clinimcl.phantoms.lung.signs import sample_lung

ZONES = ("L1", "L2", "L3", "R1", "R2", "R3")  # the BLUE points of both sides


class Patient(NamedTuple):
    age: float
    sex: str
    site: int
    zones: tuple[str, ...]
    zone_severity: tuple[float, ...]  # above the subject's own
    chests: tuple[Thorax, ...]  # under each zone, without pressure
    grain: float
    slide: float  # mm


class Clip(NamedTuple):
    zone: str
    thorax: Thorax
    lung: Lung
    view: View


class Visit(NamedTuple):
    day: int
    severity: float
    chart: Chart
    clips: list[Clip]


class LungMember(NamedTuple):
    """A subject with all that happens to it."""

    number: int  # in the cohort, from 0
    patient: Patient
    stay: Stay
    visits: list[Visit]


def sample_member(seed: int, index: int, parameters: LungParameters) -> LungMember:
    """Depends on nothing but its arguments, so a smaller cohort is the beginning of a larger one."""
    generator = np.random.default_rng([seed, index])
    patient = _sample_patient(generator, parameters)
    stay = sample_stay(generator, parameters.course)
    visits = [
        _sample_visit(generator, patient, day, severity, parameters)
        for day, severity in zip(stay.days, stay.severities, strict=True)
    ]
    return LungMember(index, patient, stay, visits)


def _sample_patient(generator: np.random.Generator, parameters: LungParameters) -> Patient:
    course, chest = parameters.course, parameters.chest
    fewest, most = course.zones
    count = int(generator.integers(fewest, most + 1))
    zones = sorted(generator.choice(len(ZONES), count, replace=False).tolist())
    return Patient(
        float(np.clip(generator.normal(*course.age), 20, 92)),
        "F" if generator.random() < 0.45 else "M",
        int(generator.integers(len(parameters.machine.probes))),
        tuple(ZONES[zone] for zone in zones),
        tuple(generator.normal(0.0, course.zone_spread, count).tolist()),
        _sample_chests(generator, count, chest),
        float(generator.uniform(*chest.grain)),
        float(generator.uniform(*chest.slide)),
    )


def _sample_chests(generator: np.random.Generator, count: int, chest: Chest) -> tuple[Thorax, ...]:
    """Alike under all zones, save where the ribs fall and a little of the pleura's depth."""
    pleura, spacing = generator.uniform(*chest.pleura), generator.uniform(*chest.rib_spacing)
    width = generator.uniform(*chest.rib_width)
    return tuple(
        Thorax(
            float(pleura * generator.uniform(0.92, 1.08)),
            float(spacing),
            float(width),
            float(generator.uniform(0, spacing)),
            int(generator.integers(2**31)),
        )
        for _ in range(count)
    )


def _sample_visit(
    generator: np.random.Generator, patient: Patient, day: int, severity: float, parameters: LungParameters
) -> Visit:
    chart = sample_chart(generator, severity, parameters.oxygen)
    machine = parameters.machine
    press = float(generator.uniform(*machine.press))
    aside = float(generator.uniform(-machine.shift, machine.shift))
    view = _sample_view(generator, patient, parameters)
    clips = []
    for zone, above, chest in zip(patient.zones, patient.zone_severity, patient.chests, strict=True):
        thorax = chest._replace(pleura=chest.pleura * press, rib_at=chest.rib_at + aside)
        half = half_face(view.probe)
        places = seen(thorax, np.linspace(-half, half, 200))
        lung = sample_lung(generator, min(max(severity + above, 0.0), 1.0), patient.slide, places, parameters.signs)
        clips.append(Clip(zone, thorax, lung, view._replace(seed=int(generator.integers(2**31)))))
    return Visit(day, severity, chart, clips)


def _sample_view(generator: np.random.Generator, patient: Patient, parameters: LungParameters) -> View:
    machine = parameters.machine
    probe = machine.probes[patient.site]
    linear = probe == "linear"
    return View(
        probe,
        float(generator.uniform(*(machine.linear_depth if linear else machine.convex_depth))),
        float(generator.uniform(*(machine.linear_frequency if linear else machine.convex_frequency))),
        float(generator.uniform(*machine.gain)),
        float(generator.uniform(*machine.slope)),
        float(generator.uniform(*machine.range)),
        patient.grain,
        0,
    )
