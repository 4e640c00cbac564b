"""How strongly each point under the probe echoes, before speckle: chest wall, ribs, pleura, A-lines, B-lines.

Everything lies in the probe's own coordinates: `depth` in mm from the skin along a line of sight, `across` in mm along
the face of the probe, 0 in its middle. Strength is an amplitude; 1 is a sharp pleura.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

Grid = Float32[np.ndarray, "frame sample line"]
Spread = Float32[np.ndarray, "#frame #sample #line"]  # an axis of length 1 stands for the same all along it

WALL = 0.10  # amplitude of muscle and fat


class Thorax(NamedTuple):
    """A subject's chest under one zone, and how deep the probe's pressure leaves the pleura."""

    pleura: float  # mm
    rib_spacing: float  # mm
    rib_width: float  # mm
    rib_at: float  # mm across, of one rib
    seed: int  # of the layers of the wall


class BLine(NamedTuple):
    at: float  # mm across, pleura at rest
    width: float  # mm
    strength: float  # amplitude
    flicker: float  # radians, phase


class Patch(NamedTuple):
    """A consolidation under the pleura."""

    at: float  # mm across
    half_width: float  # mm
    height: float  # mm


class Lung(NamedTuple):
    """A lung in one zone on one day: its severity has already become signs."""

    severity: float
    slide: float  # mm that the pleura moves to either side
    period: float  # seconds a breath
    phase: float  # radians at the first frame
    a_lines: float  # amplitude of the first
    clutter: float  # amplitude of what stirs below the pleura
    haze: float  # amplitude between B-lines
    uneven: float  # mm of the pleura
    thickness: float  # mm of the pleura, half
    broken: float  # share of the pleura's amplitude lost at its breaks
    b_lines: tuple[BLine, ...]
    patches: tuple[Patch, ...]
    seed: int  # of the roughness of the pleura


def echoes(
    thorax: Thorax,
    lung: Lung,
    depth: Float32[np.ndarray, " sample"],
    across: Float32[np.ndarray, " line"],
    seconds: Float32[np.ndarray, " frame"],
) -> Grid:
    """Pleura, B-lines and consolidations move with the breath; ribs and chest wall stay."""
    shift = (lung.slide * np.sin(2 * np.pi * seconds / lung.period + lung.phase)).astype(np.float32)[:, None]
    own = across[None, :] - shift  # mm along the pleura itself
    pleura = _pleural_depth(thorax, lung, across, own)[:, None, :]
    z = depth[None, :, None]
    below = z - pleura
    rays = _rays(lung, own, seconds)
    strength = _wall(thorax, depth, across)[None] * _step(-below, 0.4)
    strength += (_lung_echo(lung, z, pleura, rays) + _a_lines(lung, z, pleura, rays)) * _step(below, 0.4)
    strength += _pleural_line(lung, own, below)
    for patch in lung.patches:
        strength = _consolidated(strength, patch, own[:, None, :], below)
    return _behind_ribs(strength, thorax, depth, across)


def _step(value: Float32[np.ndarray, "*axes"], softness: float) -> Float32[np.ndarray, "*axes"]:
    """0 below zero, 1 above, over about `softness` mm."""
    return (0.5 + 0.5 * np.clip(value / np.float32(softness), -1, 1)).astype(np.float32)


def _rough(seed: int, at: Float32[np.ndarray, "frame line"], grain: float) -> Float32[np.ndarray, "frame line"]:
    """Noise in [-1, 1] along a line, sampled `at` mm, whose features are about `grain` mm long."""
    knots = np.arange(-200.0, 200.0, grain)
    values = np.random.default_rng(seed).uniform(-1, 1, len(knots))
    return np.interp(at.ravel(), knots, values).reshape(at.shape).astype(np.float32)


def _from_rib(thorax: Thorax, across: Float32[np.ndarray, " line"]) -> Float32[np.ndarray, " line"]:
    """mm from the middle of the nearest rib."""
    half = thorax.rib_spacing / 2
    return (np.mod(across - thorax.rib_at + half, thorax.rib_spacing) - half).astype(np.float32)


def _pleural_depth(
    thorax: Thorax,
    lung: Lung,
    across: Float32[np.ndarray, " line"],
    own: Float32[np.ndarray, "frame line"],
) -> Float32[np.ndarray, "frame line"]:
    """It bulges a little between the ribs; inflammation makes it uneven."""
    bulge = 0.35 * np.cos(2 * np.pi * (across - thorax.rib_at) / thorax.rib_spacing)
    uneven = lung.uneven * _rough(lung.seed, own, 2.5)
    return (thorax.pleura + bulge[None, :] + uneven).astype(np.float32)


def _wall(
    thorax: Thorax, depth: Float32[np.ndarray, " sample"], across: Float32[np.ndarray, " line"]
) -> Float32[np.ndarray, "sample line"]:
    """Skin, then fat, then muscle with its bright sheets, which lie nearly level."""
    generator = np.random.default_rng(thorax.seed)
    tilt = generator.uniform(-0.05, 0.05)
    z = (depth[:, None] - tilt * across[None, :]) / thorax.pleura
    strength = WALL * (0.55 + 0.45 * _step(z - 0.4, 0.1)) + 0.6 * np.exp(-((depth[:, None] / 1.2) ** 2))
    for place in generator.uniform(0.15, 0.95, 7):
        bend = 0.02 * np.sin(across[None, :] / generator.uniform(4, 9) + generator.uniform(0, 6))
        strength = strength + generator.uniform(0.08, 0.35) * np.exp(-(((z - place - bend) / 0.02) ** 2))
    return strength.astype(np.float32)


def _rays(
    lung: Lung, own: Float32[np.ndarray, "frame line"], seconds: Float32[np.ndarray, " frame"]
) -> Float32[np.ndarray, "frame line"]:
    """Amplitude of all B-lines just below the pleura."""
    total = np.zeros_like(own)
    for line in lung.b_lines:
        brightness = line.strength * (1 + 0.2 * np.sin(9.0 * seconds[:, None] + line.flicker))
        total += brightness * np.exp(-(((own - line.at) / line.width) ** 2))
    return total.astype(np.float32)


def _lung_echo(lung: Lung, z: Spread, pleura: Spread, rays: Float32[np.ndarray, "frame line"]) -> Grid:
    """B-lines down to the bottom without fading much, and the haze of a white lung."""
    below = np.maximum(z - pleura, 0)
    stirred = lung.clutter * (0.4 + np.exp(-below / 12)) + lung.haze * np.exp(-below / 60)
    comet = 0.85 + 0.15 * np.cos(2 * np.pi * below / 2.2)
    return (stirred + rays[:, None, :] * comet * np.exp(-below / 130)).astype(np.float32)


def _a_lines(lung: Lung, z: Spread, pleura: Spread, rays: Float32[np.ndarray, "frame line"]) -> Grid:
    """Copies of the pleura at multiples of its depth; B-lines wipe them out."""
    spared = np.exp(-8 * rays)[:, None, :]
    total = np.zeros(np.broadcast_shapes(z.shape, pleura.shape), np.float32)
    for order in range(2, 2 + int(z.max() / pleura.min())):
        thickness = 0.5 + 0.25 * order
        total += lung.a_lines * 0.6 ** (order - 2) * np.exp(-(((z - order * pleura) / thickness) ** 2))
    return (total * spared).astype(np.float32)


def _pleural_line(lung: Lung, own: Float32[np.ndarray, "frame line"], below: Spread) -> Grid:
    """Sharp and speckled with spots that slide, so that breathing shows; thicker and broken in disease."""
    spots = 0.75 + 0.25 * _rough(lung.seed + 1, own, 1.2)
    broken = 1 - lung.broken * np.clip(_rough(lung.seed + 2, own, 4.0) + 0.2, 0, 1)
    return ((spots * broken)[:, None, :] * np.exp(-((below / lung.thickness) ** 2))).astype(np.float32)


def _consolidated(strength: Grid, patch: Patch, own: Spread, below: Spread) -> Grid:
    """Tissue in place of air: darker than the pleura, with a ragged bright lower edge."""
    ragged = 1 + 0.15 * np.sin(own * 2.1) + 0.1 * np.sin(own * 5.3 + 1)
    radius = np.hypot((own - patch.at) / patch.half_width, np.maximum(below, 0) / (patch.height * ragged))
    inside = _step(1 - radius, 0.15) * _step(below + 0.3, 0.3)
    edge = 0.5 * np.exp(-(((radius - 1) / 0.08) ** 2)) * _step(below - 0.8, 0.5)
    return (strength * (1 - inside) + 0.04 * inside + edge).astype(np.float32)


def _behind_ribs(
    strength: Grid, thorax: Thorax, depth: Float32[np.ndarray, " sample"], across: Float32[np.ndarray, " line"]
) -> Grid:
    """A rib is a bright cap some millimetres above the pleura and leaves nearly nothing below it."""
    aside = _from_rib(thorax, across)
    cap = 0.68 * thorax.pleura + 1.2 * (2 * aside / thorax.rib_width) ** 2
    under = depth[:, None] - cap[None, :]
    covered = _step(thorax.rib_width / 2 - np.abs(aside), 2.0)[None, :]
    left = 1 - 0.93 * covered * _step(under, 0.6)
    bone = 0.9 * covered * np.exp(-((under / 0.7) ** 2))
    return (strength * left[None] + bone[None]).astype(np.float32)


def seen(thorax: Thorax, at: Float[np.ndarray, " place"]) -> Float[np.ndarray, " seen"]:
    """Those places across the probe that no rib covers."""
    return at[np.abs(_from_rib(thorax, at.astype(np.float32))) > thorax.rib_width / 2 + 0.5]
