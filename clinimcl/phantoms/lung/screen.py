"""What the machine makes of echoes: speckle, compression to grey, the probe's picture and the text around it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, UInt8
from scipy import ndimage

from clinimcl.phantoms.lung.echo import Grid, Lung, Thorax, echoes
from clinimcl.phantoms.lung.parameters import Film

LINEAR_WIDTH = 38.0  # mm of the face of the probe
CONVEX_RADIUS = 50.0  # mm
CONVEX_HALF_ANGLE = 0.45  # radians
MARGINS = (26, 10, 18, 26)  # pixels left free around the picture: top, bottom, left, right
INK = 170  # grey of text and scale
# Each digit in five rows of three dots, a row as an octal digit.
FONT = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717")


class View(NamedTuple):
    """The settings of one session."""

    probe: str  # linear or convex
    depth: float  # mm, of the picture
    frequency: float  # MHz
    gain: float  # dB
    slope: float  # dB more at the bottom than at the top
    range: float  # dB from black to white
    grain: float  # of the subject's speckle, relative
    seed: int  # of speckle


def half_face(probe: str) -> float:
    """mm across from the middle of the probe to its edge."""
    return LINEAR_WIDTH / 2 if probe == "linear" else CONVEX_RADIUS * CONVEX_HALF_ANGLE


def render(thorax: Thorax, lung: Lung, view: View, film: Film) -> UInt8[np.ndarray, "frame height width"]:
    """The clip as the screen shows it."""
    depth = np.linspace(0, view.depth, film.samples, dtype=np.float32)
    across = np.linspace(-half_face(view.probe), half_face(view.probe), film.lines, dtype=np.float32)
    seconds = (np.arange(film.frames) / film.rate).astype(np.float32)
    strength = echoes(thorax, lung, depth, across, seconds)
    still = np.where(depth < thorax.pleura, 0.97, 0.35).astype(np.float32)
    strength *= speckle(view, film, still, thorax.seed)
    return on_screen(grey(strength, view), view, film)


def speckle(view: View, film: Film, still: Float32[np.ndarray, " sample"], own_seed: int) -> Grid:
    """Rayleigh with mean 1. `still` is the correlation from one frame to the next at each depth.

    The first frame's pattern comes from the subject's own seed as far as it stays still: the wall is the same wall.
    """
    spacing = view.depth / film.samples, 2 * half_face(view.probe) / film.lines
    finest = 6.0 / view.frequency * view.grain  # mm; a pulse is about two wavelengths long, a beam three to four wide
    sigma = max(0.13 * finest / spacing[0], 0.6), max(0.8 * finest / spacing[1], 0.8)
    fresh = np.random.default_rng(view.seed)
    shape = (2, film.samples, film.lines)
    own = np.random.default_rng(own_seed).standard_normal(shape, dtype=np.float32)
    keep, change = still[:, None], np.sqrt(1 - still[:, None] ** 2)
    waves = np.empty((film.frames, *shape), np.float32)
    waves[0] = keep * own + change * fresh.standard_normal(shape, dtype=np.float32)
    for frame in range(1, film.frames):
        waves[frame] = keep * waves[frame - 1] + change * fresh.standard_normal(shape, dtype=np.float32)
    for axis, width in zip((2, 3), sigma, strict=True):
        waves = ndimage.gaussian_filter1d(waves, width, axis, mode="nearest", truncate=2.5)
    pattern = np.hypot(waves[:, 0], waves[:, 1])
    return pattern / pattern.mean()


def grey(strength: Grid, view: View) -> Grid:
    """0 to 255: decibels, with gain, over the dynamic range; 15 dB are kept free above a sharp pleura."""
    decibels = 20 * np.log10(np.maximum(strength, 1e-6))
    decibels += np.linspace(-view.slope / 2, view.slope / 2, strength.shape[1], dtype=np.float32)[:, None]
    level = (decibels + view.gain - 15 + view.range) / view.range
    return (255 * level.clip(0, 1)).astype(np.float32)


def on_screen(lines: Grid, view: View, film: Film) -> UInt8[np.ndarray, "frame height width"]:
    """Lines of sight laid out as the probe sees them, inside a black screen with text and a scale of depth."""
    sample, line, scale = _places(view, film)
    inside = (sample >= 0) & (sample <= film.samples - 1) & (line >= 0) & (line <= film.lines - 1)
    screen = np.zeros((film.side, film.side), np.uint8)
    _annotate(screen, view, scale)
    screens = np.repeat(screen[None], len(lines), axis=0)
    screens[:, inside] = _between(lines, sample[inside], line[inside])
    return screens


def _places(
    view: View, film: Film
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"], float]:
    """For each pixel the sample and the line of sight there, in fractions, and the pixels a mm."""
    top, bottom, left, right = MARGINS
    radius, angle = CONVEX_RADIUS, CONVEX_HALF_ANGLE
    rise = radius * np.cos(angle) if view.probe == "convex" else 0.0
    width = 2 * (radius + view.depth) * np.sin(angle) if view.probe == "convex" else LINEAR_WIDTH
    height = radius + view.depth - rise if view.probe == "convex" else view.depth
    scale = min((film.side - top - bottom) / height, (film.side - left - right) / width)
    middle = left + (film.side - left - right) / 2
    y = (np.arange(film.side, dtype=np.float32)[:, None] - top) / scale
    x = (np.arange(film.side, dtype=np.float32)[None, :] - middle) / scale
    if view.probe == "convex":
        depth, across = np.hypot(x, y + rise) - radius, np.arctan2(x, y + rise) * radius
    else:
        depth, across = np.broadcast_arrays(y, x)
    sample = depth / view.depth * (film.samples - 1)
    line = (across / (2 * half_face(view.probe)) + 0.5) * (film.lines - 1)
    return sample.astype(np.float32), line.astype(np.float32), float(scale)


def _between(
    lines: Grid, sample: Float32[np.ndarray, " pixel"], line: Float32[np.ndarray, " pixel"]
) -> UInt8[np.ndarray, "frame pixel"]:
    """Bilinear."""
    count, samples, width = lines.shape
    flat = lines.reshape(count, -1)
    row = np.minimum(sample.astype(np.int64), samples - 2)
    column = np.minimum(line.astype(np.int64), width - 2)
    down, along = sample - row.astype(np.float32), line - column.astype(np.float32)
    corner = row * width + column
    upper = _mixed(flat, corner, along)
    lower = _mixed(flat, corner + width, along)
    return (upper + (lower - upper) * down + 0.5).astype(np.uint8)


def _mixed(
    flat: Float32[np.ndarray, "frame place"], corner: Int[np.ndarray, " pixel"], along: Float32[np.ndarray, " pixel"]
) -> Float32[np.ndarray, "frame pixel"]:
    left = flat.take(corner, axis=1)
    return left + (flat.take(corner + 1, axis=1) - left) * along


def _annotate(screen: UInt8[np.ndarray, "height width"], view: View, scale: float) -> None:
    """Depth in mm and frequency at the top left, a maker's block at the top right, ticks each 10 mm on the right."""
    side = len(screen)
    screen[:14] = 22
    screen[4:10, side - 40 : side - 8] = 90
    _write(screen, f"{view.depth:.0f}", 6)
    _write(screen, f"{view.frequency * 10:.0f}", 40)
    for number in range(int(view.depth / 10) + 1):
        row = round(MARGINS[0] + number * 10 * scale)
        if row < side - 2:
            screen[row, side - (12 if number % 5 else 16) : side - 6] = INK


def _write(screen: UInt8[np.ndarray, "height width"], text: str, left: int) -> None:
    for place, digit in enumerate(text):
        _draw(screen[2:12, left + 8 * place : left + 8 * place + 6], FONT[int(digit)])


def _draw(where: UInt8[np.ndarray, "ten six"], bits: str) -> None:
    """Five rows of three dots, two pixels each."""
    dots = np.array([[int(dot) for dot in f"{int(row):03b}"] for row in bits], dtype=np.uint8)
    np.maximum(where, np.kron(dots, np.ones((2, 2), np.uint8)) * np.uint8(INK), out=where)
