"""The numbers of the lung phantom, each with its source or a plain statement; fixed before anything was trained on it.

Ordered pairs (earlier, later) of different sessions of one subject in one zone, labelled by whether the measured S/F
crosses 180, 275 or 430; 100 cohorts of 300 subjects, sampled without rendering:

    =================================================  =====  ======  =======
    row                                                mean   lowest  highest
    =================================================  =====  ======  =======
    true S/F through the same bins: accuracy           0.92   0.89    0.95
    the same: balanced accuracy                        0.92   0.89    0.95
    share deteriorated                                 0.32   0.26    0.38
    share stable                                       0.36   0.30    0.42
    share improved                                     0.32   0.25    0.38
    =================================================  =====  ======  =======

The measured S/F of one session alone, as well used as possible (5000 subjects to fit, 5000 to test), gives a balanced
accuracy of 0.55, the earlier as much as the later. Pictures of 100 subjects (524 clips): Spearman's correlation of the
mean pixel with severity 0.37; of ridge regression on 8 × 8 pooled pixels with S/F, 60 subjects to fit and 40 to test,
0.55 to 0.65, the difference of its two predictions at its best threshold a balanced accuracy of 0.58 to 0.61.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chest:
    """A subject's own: ranges are uniform over subjects."""

    pleura: tuple[float, float] = (13.0, 24.0)  # mm below the skin when the probe only touches it
    rib_spacing: tuple[float, float] = (22.0, 30.0)  # mm from rib to rib
    rib_width: tuple[float, float] = (7.0, 11.0)  # mm
    grain: tuple[float, float] = (0.8, 1.25)  # of speckle, relative
    slide: tuple[float, float] = (3.0, 7.0)  # mm that a healthy pleura slides to either side


@dataclass(frozen=True)
class LungCourse:
    """A hospital stay. Severity runs from 0, a healthy lung, to 1.

    Age, sex and site tell nothing of severity: a classifier that sees only them must end at chance. An improving course
    read backwards is a worsening one, so neither the first nor the last scan alone gives the change away.
    """

    age: tuple[float, float] = (60.0, 14.0)  # mean, standard deviation; kept within 20 and 92 years
    shares: tuple[float, float, float] = (0.36, 0.28, 0.36)  # of improving, stable and worsening courses
    sessions: tuple[float, float] = (0.5, 0.5)  # shares of 3 and 4 sessions
    days_between: tuple[int, int] = (1, 5)
    middle: tuple[float, float] = (0.20, 0.75)  # severity half-way through a changing course
    swing: tuple[float, float] = (0.45, 0.70)  # of severity from the first to the last session
    level: tuple[float, float] = (0.0, 0.95)  # severity of a stable course
    drift: float = 0.04  # at most, either way, from the first to the last session of a stable course
    wobble: float = 0.02  # of severity from session to session, standard deviation
    zone_spread: float = 0.03  # of a zone's severity about the subject's, standard deviation; the same every session
    zones: tuple[int, int] = (1, 2)  # fewest and most zones of a subject


@dataclass(frozen=True)
class Oxygen:
    """From severity to what the chart says. S/F is SpO2 in percent over the share of oxygen breathed in."""

    # S/F at these severities, straight between them; the edges of the paper's bins in the middle. Room air at a
    # saturation of 100 % gives 476, so nothing is above it.
    severities: tuple[float, float, float, float, float] = (0.0, 0.2, 0.45, 0.7, 1.0)
    ratios: tuple[float, float, float, float, float] = (468.0, 430.0, 275.0, 180.0, 118.0)
    ratio_spread: float = 0.03  # of the log of S/F from hour to hour, which no picture shows
    reading_error: float = 1.5  # points of SpO2; oximeters are allowed a root mean square of 3 (FDA guidance of 2013)
    starts_below: float = 90.0  # % of SpO2 on room air: WHO, Clinical management of COVID-19, 2021
    target: float = 93.0  # % of SpO2, inside 92 to 96 % of the NIH's COVID-19 guidelines; in whole litres a minute
    most_litres: int = 15  # what a mask with a reservoir is run at
    fio2: tuple[float, float] = (0.21, 0.03)  # of room air; more for each litre a minute


@dataclass(frozen=True)
class Signs:
    """How severity shows in the picture. Amplitudes are relative to a sharp pleura; set by eye beside open videos.

    Severe disease has B-lines that run together, a thick and broken pleura that hardly slides, and consolidations below
    it: Soldati et al. 2020, J Ultrasound Med 39:1413.
    """

    b_lines: int = 9  # at a severity of 1; in proportion below, and chance rounds
    b_strength: tuple[float, float] = (0.07, 0.18)
    b_width: tuple[float, float] = (0.7, 1.3)  # mm in a healthy lung
    widening: float = 0.8  # of B-lines at a severity of 1, in parts of their width
    haze: float = 0.07  # amplitude between B-lines at a severity of 1; none below 0.5
    a_strength: float = 0.35  # of the first A-line of a healthy lung
    a_spread: float = 0.25  # of its log, over clips
    a_fading: float = 1.5  # exponent of 1 - severity
    clutter: float = 0.03  # of what stirs below any pleura
    clutter_spread: float = 0.6  # of its log, over clips: hazy pictures of healthy lungs, clear ones of ill lungs
    unevenness: float = 1.3  # mm of the pleura for each unit of severity above 0.25
    thickening: float = 0.8  # mm of the pleura at a severity of 1
    breaks: float = 0.7  # share of the pleura's amplitude lost where it is broken, at a severity of 1
    stiffness: float = 0.75  # share of the sliding lost at a severity of 1
    patches_from: float = 0.55  # severity at which consolidations start
    patches: float = 6.0  # of them for each unit of severity above; chance rounds
    breath: tuple[float, float] = (2.5, 4.5)  # seconds


@dataclass(frozen=True)
class Machine:
    """What differs from session to session, uniform over ranges; the probe goes with the site."""

    probes: tuple[str, ...] = ("linear", "convex", "linear")  # of the sites
    linear_depth: tuple[float, float] = (42.0, 64.0)  # mm; 4 to 6 cm in LEARNER, section 2.1
    convex_depth: tuple[float, float] = (70.0, 110.0)
    linear_frequency: tuple[float, float] = (7.0, 12.0)  # MHz
    convex_frequency: tuple[float, float] = (3.0, 5.0)
    gain: tuple[float, float] = (-9.0, 9.0)  # dB
    slope: tuple[float, float] = (-5.0, 5.0)  # dB more at the bottom than at the top: time gain compensation
    range: tuple[float, float] = (50.0, 62.0)  # dB from black to white
    press: tuple[float, float] = (0.8, 1.0)  # depth of the pleura relative to that without pressure
    shift: float = 8.0  # mm that the probe lies to either side of where it lay before


@dataclass(frozen=True)
class Film:
    """How a clip is written."""

    frames: int = 32
    rate: int = 16  # frames a second
    side: int = 256  # pixels of the screen, which is square
    samples: int = 208  # along a line of sight
    lines: int = 144  # of sight
    quality: int = 28  # x264's constant rate factor


@dataclass(frozen=True)
class LungParameters:
    """Everything that decides what the phantom looks like, save the seed and the number of subjects."""

    chest: Chest = Chest()
    course: LungCourse = LungCourse()
    oxygen: Oxygen = Oxygen()
    signs: Signs = Signs()
    machine: Machine = Machine()
    film: Film = Film()


LUNG = LungParameters()
