"""From a severity to the signs of it in one clip, with chance."""

import numpy as np
from jaxtyping import Float

from clinimcl.phantoms.lung.echo import BLine, Lung, Patch
from clinimcl.phantoms.lung.parameters import Signs


def sample_lung(
    generator: np.random.Generator,
    severity: float,
    slide: float,
    places: Float[np.ndarray, " place"],
    signs: Signs,
) -> Lung:
    """`slide` is the healthy lung's, in mm. B-lines and consolidations start at one of `places`, mm across."""
    a_lines = signs.a_strength * np.exp(generator.normal(0.0, signs.a_spread)) * (1 - severity) ** signs.a_fading
    return Lung(
        severity,
        slide * (1 - signs.stiffness * severity) * float(generator.uniform(0.8, 1.2)),
        float(generator.uniform(*signs.breath)),
        float(generator.uniform(0, 2 * np.pi)),
        float(a_lines),
        float(signs.clutter * np.exp(generator.normal(0.0, signs.clutter_spread))),
        signs.haze * max(2 * severity - 1, 0.0),
        signs.unevenness * max(severity - 0.25, 0.0),
        0.55 + signs.thickening * severity,
        signs.breaks * severity,
        _sample_b_lines(generator, severity, places, signs),
        _sample_patches(generator, severity, places, signs),
        int(generator.integers(2**31)),
    )


def _sample_b_lines(
    generator: np.random.Generator, severity: float, places: Float[np.ndarray, " place"], signs: Signs
) -> tuple[BLine, ...]:
    """Spread over the places, one to a slot."""
    slots = signs.b_lines + 1
    count = int(signs.b_lines * severity + generator.random())
    shares = (generator.permutation(slots)[:count] + generator.random(count)) / slots
    return tuple(
        BLine(
            float(places[int(share * len(places))]),
            float(generator.uniform(*signs.b_width) * (1 + signs.widening * severity)),
            float(generator.uniform(*signs.b_strength)),
            float(generator.uniform(0, 2 * np.pi)),
        )
        for share in shares
    )


def _sample_patches(
    generator: np.random.Generator, severity: float, places: Float[np.ndarray, " place"], signs: Signs
) -> tuple[Patch, ...]:
    above = severity - signs.patches_from
    count = int(signs.patches * above + generator.random()) if above > 0 else 0
    return tuple(
        Patch(
            float(generator.choice(places)),
            float(generator.uniform(2, 3) * (0.5 + severity)),
            float(generator.uniform(2, 4) * (0.3 + severity)),
        )
        for _ in range(count)
    )
