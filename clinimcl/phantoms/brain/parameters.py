"""The numbers of the brain phantom, each with its source; fixed before anything was trained on it.

How far brains differ was set on real scans: 23 of IXI (one each) and 3 × 2 of Brain-Tumor-Progression (slices taken
as 6.5 mm apart), scaled to their 99.5th percentile, low-passed to 4 mm, centred on the centre of mass, not turned.
Pearson correlation (mean ± standard deviation over pairs) over 208 × 240 × 208 mm, and in a central ellipsoid of
semi-axes 55, 70, 50 mm, beside 40 subjects of the phantom (one run a session):

    ==========================  =============  =============
    pairs                       whole field    ellipsoid
    ==========================  =============  =============
    one person, real (3)        0.93 ± 0.02    0.74 ± 0.05
    one person, phantom         0.94 ± 0.03    0.71 ± 0.12
    two people, real (IXI)      0.83 ± 0.04    0.59 ± 0.15
    two people, phantom         0.91 ± 0.03    0.61 ± 0.10
    ==========================  =============  =============

Real scans have skulls and necks and the phantom has none, so the ellipsoid is the fairer column. The two kinds of
evidence disagree: aligned rigidly to the template, inside the brain 12 mm from its edge, two people of IXI (healthy,
aged 20 to 74) correlate at 0.76 ± 0.06 and two of the phantom (with atrophy) at 0.60 ± 0.07, so aligned phantoms
differ more than real brains do. Displacements of 1.5 and 1.0 mm gave 0.72 there and 0.65 in the ellipsoid. Cosine of
centred voxels then found the same subject in 0.28 of the sessions; with the values below, chosen before any training
so that raw voxels are neither hopeless nor enough, in 0.58; with the pose undone, in all of them either way.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from clinimcl.errors import UserError

MOST_SCANNERS = 26  # sites are named by letters


@dataclass(frozen=True)
class Identity:
    """What makes a brain one's own: smooth deformations at two scales, size, and the size of three regions."""

    smoothness: tuple[float, float] = (22.0, 10.0)  # mm, standard deviation of the Gaussian filter
    displacement: tuple[float, float] = (2.5, 1.2)  # mm, standard deviation of each component; set as above
    size: float = 0.95  # mean linear size: the MNI template is larger than most brains
    size_spread: float = 0.028  # of the log of the linear size; brain volume varies by 8 to 9 % within a sex
    size_of_men: float = 0.04  # men's brains are about 12 % larger in volume, 4 % in each direction
    ventricle_spread: float = 0.25  # of the log volume; likewise hippocampi
    hippocampus_spread: float = 0.08


@dataclass(frozen=True)
class Course:
    """Ageing, disease and follow-up. Rates are of the log volume a year: in health, in Alzheimer's disease."""

    healthy_share: float = 0.55  # as in OASIS-3: LaMontagne et al. 2019, medRxiv 2019.12.13.19014902
    age_mean: float = 68.0  # at entry, years
    age_spread: float = 9.0
    disease_years_at_entry: tuple[float, float] = (-4.0, 3.0)
    speed_spread: float = 0.25  # of the log of the pace
    ageing_from: float = 60.0  # years; the template is the mean of younger people
    presymptomatic_years: float = 6.0
    # Meta-analysis, nine studies, 595 patients: Barnes et al. 2009, Neurobiology of Aging 30:1711.
    hippocampus_rates: tuple[float, float] = (-0.0141, -0.0466)
    # Sluimer et al. 2008, Radiology 248:590. Healthy likewise -0.45 % in Fotenos et al. 2005, Neurology 64:1032.
    brain_rates: tuple[float, float] = (-0.005, -0.019)
    # The ratio of ventricles to brain grows by 4.3 % in health and 15.6 % in five patients (Bradley et al. 2002, Br J
    # Radiol 75:506). Healthy: less the brain's loss. Ill: lower than there, for at 15 % ten years would make ventricles
    # larger than any.
    ventricle_rates: tuple[float, float] = (0.038, 0.10)
    # Standard deviation of a score in health and from mild dementia on. The error of a yearly change is 2.8 points in
    # patients (Clark et al. 1999, Arch Neurol 56:857), so 2 at each visit.
    mmse_noise: tuple[float, float] = (1.0, 2.0)
    box_noise: tuple[float, float] = (0.12, 0.25)  # CDR levels
    sessions: tuple[float, float, float, float] = (0.1, 0.3, 0.35, 0.25)  # shares of 1, 2, 3, 4 sessions
    years_between: tuple[float, float] = (1.0, 3.0)
    two_runs_share: float = 0.15  # of sessions


@dataclass(frozen=True)
class ChangingCourse(Course):
    """Subjects who decline fast, stay as they are, or recover, so that all three health changes are common.

    Each is on one course throughout; on it disease years (course.py) pass at the subject's own pace, backwards for
    who recovers, and the brain follows: ventricles and hippocampi return towards their healthy size. Such a decline
    is rapid, as in 43 % of patients with moderate and 20 % with mild dementia (3 points of the MMSE a year or more:
    Jia et al. 2017, Alzheimer's & Dementia 13:592). **The recovery is a device, not a model of a disease.** Nearest
    to it are patients shunted for normal pressure hydrocephalus, whose ventricles lose 25 ml (median: Neikter et al.
    2020, AJNR 41:1187) while their MMSE rises from 22.4 to 23.8 (mean of 48: Front Aging Neurosci 2020, 617150),
    less than here and only at first; nobody's hippocampi grow back as they do here.

    Scans are made within weeks of a visit; visits are half-yearly. A score is the rounded mean of two raters, so its
    standard deviation is that of Course by the square root of 2; ADNI has one.

    Set before any training on these rules: of all pairs of an earlier and a later session of one subject, with the
    MMSE's change of at least 3 points, what is known without the rater's error (oracle) must be right in 0.85 at
    least, and no class exceed 0.45. Over 1000 simulated subjects (2380 and 2300 pairs):

        ==========================================  ================  ================
        share of pairs                              seed 0            seed 1
        ==========================================  ================  ================
        deteriorated, stable, improved              0.33, 0.36, 0.30  0.34, 0.35, 0.32
        oracle right                                0.92              0.92
        best guess from the earlier MMSE alone      0.61              0.63
        best guess from the later MMSE alone        0.64              0.64
        ==========================================  ================  ================

    One score alone tells much, since who is well cannot recover. From a scan's true volumes of ventricles, hippocampi
    and brain the MMSE is told with a Spearman correlation of 0.86 (0.85), because people differ.
    """

    age_mean: float = 75.0  # as of ADNI-1's healthy subjects: Petersen et al. 2010, Neurology 74:201
    age_spread: float = 5.0
    healthy_share: float = 0.12
    declining_share: float = 0.34
    recovering_share: float = 0.31  # the others are ill and stable
    disease_years_at_entry: tuple[float, float] = (1.0, 9.5)  # of the stable
    declining_from: tuple[float, float] = (2.5, 5.5)  # disease years at entry
    recovering_from: tuple[float, float] = (6.5, 10.0)
    pace: float = 1.5  # disease years a year, median of who declines or recovers
    speed_spread: float = 0.15
    stable_pace: float = 0.05  # likewise, forwards or backwards
    # Of Course's, with the mean of two ratings.
    mmse_noise: tuple[float, float] = (0.7, 1.4)
    box_noise: tuple[float, float] = (0.085, 0.18)
    sessions: tuple[float, float, float, float] = (0.05, 0.25, 0.7, 0.0)
    years_between: tuple[float, float] = (1.25, 2.75)  # rounded to half years: 1.5, 2 or 2.5
    days_from_visit: tuple[float, float] = (-30.0, 30.0)  # of a scan; not before entry


@dataclass(frozen=True)
class Acquisition:
    """Sites, scanners, and what differs from session to session."""

    sites: int = 3
    scanners_a_site: int = 2
    scanner_change: float = 0.2  # chance from session to session
    rotation: float = 10.0  # degrees: each axis uniform within ± this
    shift: float = 10.0  # mm, likewise
    scanner_gamma_spread: float = 0.10  # of the log of the contrast's exponent
    session_gamma_spread: float = 0.05
    scanner_bias_spread: float = 0.05  # of the coefficients of the log of the shading
    session_bias_spread: float = 0.03
    noise: tuple[float, float] = (0.015, 0.04)  # of white matter's intensity: range over scanners


@dataclass(frozen=True)
class TravellingAcquisition(Acquisition):
    """The first subjects of a cohort are scanned on every scanner within days, at their first visit."""

    travelling: int = 0  # subjects
    days_between: tuple[int, int] = (1, 4)  # from one scanner to the next, both ends included


@dataclass(frozen=True)
class BrainParameters:
    """Everything that decides what the phantom looks like, save the seed and the number of subjects."""

    identity: Identity = Identity()
    course: Course = Course()
    acquisition: Acquisition = Acquisition()
    spacing: float = 2.0  # mm, edge of a voxel of the written scans


BRAIN = BrainParameters()
BRAIN_CHANGE = BrainParameters(course=ChangingCourse())


def with_scanners(parameters: BrainParameters, scanners: int | None, travelling: int) -> BrainParameters:
    """One scanner a site where their number is given, and that many travelling heads.

    With neither, the parameters as they are.

    Raises:
        UserError: a number that is not possible.
    """
    if travelling < 0 or (scanners is not None and not 1 <= scanners <= MOST_SCANNERS):
        raise UserError(
            f"travelling must be at least 0 and scanners between 1 and {MOST_SCANNERS}, got {travelling} and {scanners}"
        )
    acquisition = parameters.acquisition
    if scanners is not None:
        acquisition = replace(acquisition, sites=scanners, scanners_a_site=1)
    if travelling:
        acquisition = TravellingAcquisition(**asdict(acquisition), travelling=travelling)
    return replace(parameters, acquisition=acquisition)


def digest(parameters: Any) -> str:
    """Twelve hex digits that change when any number does."""
    text = json.dumps(asdict(parameters), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
