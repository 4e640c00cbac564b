"""The page of an answer: one HTML file that needs nothing beside it and asks nothing of a network."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float

from clinimcl.cohorts.change import CHANGES
from clinimcl.errors import UserError
from clinimcl.inference import rendering
from clinimcl.inference.model import Model
from clinimcl.inference.prediction import RESEARCH, Answer, Asked, sentences
from clinimcl.inference.references import Trajectories
from clinimcl.preparation.clips import Clips
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import VolumePipeline
from clinimcl.preparation.planes import PLANES
from clinimcl.storage.files import write_text
from clinimcl.templates import filled

PLOT = (420.0, 260.0)  # width and height in units of the drawing


class Unshowable(UserError):
    """An answer has no pictures."""


def write_page(model: Model, asked: Asked, found: Answer, path: Path) -> None:
    """Raises Unshowable."""
    write_text(page(model, asked, found), path)


def page(model: Model, asked: Asked, found: Answer, shown: rendering.Upright | None = None) -> str:
    """`shown` where the volumes are laid over each other already (`shown_volumes`).

    Raises:
        Unshowable: with the reason.
    """
    if isinstance(model.pipeline, VolumePipeline) and shown is None:
        shown = shown_volumes(model, asked)
    effect = effect_of_hiding(model, asked, found)
    context = {
        "answer": found,
        "changes": [(name, found.change[name]) for name in CHANGES[::-1]],
        "said": [line for line in sentences(model, found)[1:] if not line.startswith("flag:") and line != RESEARCH],
        "research": RESEARCH,
        "generated": model.card.told["generated"],
        "known_people": model.card.told.get("known_people"),
        "card": model.card,
        "volumes": _volumes(shown, shown.on_earlier(effect)) if shown is not None else None,
        "clips": _clips(model, asked, effect) if isinstance(model.pipeline, Clips) else None,
        "plot": _plot(model.references.trajectories, asked.embedded.change),
        "size": PLOT,
    }
    return filled("clinimcl.inference", "page.html.j2", context)


def effect_of_hiding(model: Model, asked: Asked, found: Answer) -> Float[np.ndarray, "a b c"]:
    """On the answer that was given."""
    number = CHANGES.index(found.answered)

    def support(
        earlier: Float[np.ndarray, "scan a b c"], later: Float[np.ndarray, "scan a b c"]
    ) -> Float[np.ndarray, " scan"]:
        seen = np.concatenate([np.stack([model.seen(scan) for scan in own]) for own in (earlier, later)])
        scanners = [name for name in asked.scanners for _ in range(len(earlier))]
        first, second = np.split(model.classified(model.embed(seen).change, scanners)[0], 2)
        logits = model.logits(first, second)
        return logits[:, number] - np.delete(logits, number, axis=1).max(axis=1)

    cells = rendering.CELLS[model.parts.input.kind]
    return rendering.occlusion(np.asarray(asked.earlier.prepared), np.asarray(asked.later.prepared), cells, support)


def shown_volumes(model: Model, asked: Asked) -> rendering.Upright:
    """Of a model of volumes."""
    assert isinstance(model.pipeline, VolumePipeline)
    earlier, later = asked.earlier.decoded, asked.later.decoded
    assert isinstance(earlier, Scan) and isinstance(later, Scan)
    try:
        return rendering.upright(model.pipeline, earlier, later)
    except (RuntimeError, UnusableScan) as error:  # SimpleITK's is the first
        raise Unshowable(f"the scans cannot be laid over each other ({type(error).__name__}): no page") from None


def _volumes(shown: rendering.Upright, effect: Float[np.ndarray, "x y z"]) -> list[dict[str, Any]]:
    """A plane each."""
    most = float(np.percentile(shown.earlier[shown.earlier > 0], 99.5)) if (shown.earlier > 0).any() else 1.0
    difference = shown.later - shown.earlier
    strongest, driving = rendering.strength(difference), rendering.strength(effect)
    return [
        {
            "plane": plane,
            "earlier": rendering.grey(shown.earlier, plane, most),
            "later": rendering.grey(shown.later, plane, most),
            "difference": rendering.over(shown.earlier, difference, plane, 3 * most, strongest),
            "effect": rendering.over(shown.later, effect, plane, most, driving),
            "sides": PLANES[plane][1:],
        }
        for plane in PLANES
    ]


def _clips(model: Model, asked: Asked, effect: Float[np.ndarray, "frame side side"]) -> dict[str, str]:
    assert isinstance(model.pipeline, Clips)
    earlier, later = asked.earlier.decoded, asked.later.decoded
    assert isinstance(earlier, Clip) and isinstance(later, Clip)
    return {
        "earlier": rendering.moving(model.pipeline, earlier),
        "later": rendering.moving(model.pipeline, later),
        "effect": rendering.still(np.asarray(asked.later.prepared), effect),
    }


def _plot(known: Trajectories, pair: Float[np.ndarray, "2 embedding"]) -> dict[str, Any]:
    """Lines of training subjects and of the pair, in units of the drawing."""
    own = known.place(pair)
    everything = np.concatenate([known.points, own])
    low, high = everything.min(axis=0), everything.max(axis=0)
    inner = np.array(PLOT) - 24

    def drawn(points: Float[np.ndarray, "point 2"]) -> str:
        scaled = 12 + (points - low) / np.maximum(high - low, 1e-9) * inner
        return " ".join(f"{x:.1f},{PLOT[1] - y:.1f}" for x, y in scaled.tolist())

    people = [drawn(known.points[known.person == person]) for person in np.unique(known.person)]
    return {"people": people, "pair": drawn(own), "later": drawn(own[1:]).split(",")}


def viewable(shown: rendering.Upright) -> dict[str, bytes]:
    """Both volumes as NIfTI that says nothing but where they lie."""
    step = rendering.FIELD_OF_VIEW / rendering.SHOWN
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = -step * (rendering.SHOWN - 1) / 2
    return {
        f"{role}.nii": nib.Nifti1Image((255 * np.clip(volume, 0, 1)).astype(np.uint8), affine).to_bytes()
        for role, volume in (("earlier", shown.earlier), ("later", shown.later))
    }
