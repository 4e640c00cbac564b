"""A form in which a tool writes the original → equal, lossy, refused, or WRONG."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import permutations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tools
from jaxtyping import Float, Shaped

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.scan_files import fetch_scan

FLOAT16 = 2**-10  # two steps of float16 just below 1
MOST_BIAS = 0.015  # of the mean grey of a lossy form; limited taken for full range is off by 0.06
ALIKE = 0.9  # correlation of what a codec or another grid made of it
Prepared = Float[np.ndarray, "a b c"]


class Form(NamedTuple):
    """One way to write the original, by a tool that is not ours."""

    tool: str  # a key of tools.PACKAGES
    name: str
    write: Callable[[Path], Path]  # into an empty folder; a folder comes back of a DICOM series
    loss: float | None = None  # mean difference that codec or grid explain; None: that of float16
    expected: Prepared | None = None  # where it is not the original
    needs: tuple[str, ...] = ()  # further tools
    lost: str = ""  # what this tool leaves out, which no reader could know


class Verdict(NamedTuple):
    form: Form
    word: str  # equal, lossy, refused, WRONG, lost, skipped, unwritten
    detail: str


def judge_all(forms: Iterable[Form], original: Prepared, pipeline: Pipeline, only: str) -> None:
    """Print a line a form and the counts; end with 1 where a form is silently wrong."""
    print(f"the original beside its own mirror images: {_mirrored(original)}")
    counts: Counter[str] = Counter()
    for form in forms:
        if re.search(only, f"{form.tool} {form.name}") is None:
            continue
        verdict = judge(form, original, pipeline)
        counts[verdict.word] += 1
        print(
            f"{tools.titled(form.tool):24} {form.name:52} {verdict.word}: {verdict.detail}",
            flush=True,
        )
    print(", ".join(f"{number} {word}" for word, number in counts.most_common()))
    sys.exit(counts["WRONG"] > 0)


def judge(form: Form, original: Prepared, pipeline: Pipeline) -> Verdict:
    absent = [tool for tool in (form.tool, *form.needs) if not tools.is_there(tool)]
    if absent:
        packages = ", ".join(tools.PACKAGES[tool] for tool in absent)
        return Verdict(form, "skipped", f"install {packages}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = form.write(Path(folder))
        except subprocess.CalledProcessError as error:
            words = f"{error.stdout}\n{error.stderr}".strip() or "no word"
            return Verdict(form, "unwritten", words.splitlines()[-1])
        except (RuntimeError, ValueError) as error:
            return Verdict(form, "unwritten", str(error))
        try:
            prepared, remark = _prepare(path, pipeline)
        except UnusableScan as refused:
            return Verdict(form, "refused", str(refused))
    word, detail = _compared(
        prepared,
        original if form.expected is None else form.expected,
        form.loss,
    )
    if word == "WRONG" and form.lost:
        return Verdict(form, "lost", form.lost)
    return Verdict(form, word, f"{detail}; remark: {remark}" if remark else detail)


def _prepare(path: Path, pipeline: Pipeline) -> tuple[Prepared, str]:
    """As `prepare` does: what it calls unusable is so here."""
    address = f"{path}/" if path.is_dir() else str(path)
    try:
        decoded = decode(address, fetch_scan(address))
        return pipeline.prepare(decoded).astype(np.float32), decoded.remark
    except (ArithmeticError, IndexError, RuntimeError, ValueError) as error:
        raise UnusableScan(f"cannot be prepared ({type(error).__name__}: {error})") from None


def _compared(prepared: Prepared, original: Prepared, loss: float | None) -> tuple[str, str]:
    if prepared.shape != original.shape:
        return "WRONG", f"has shape {prepared.shape}, expected {original.shape}"
    difference = prepared - original
    most, mean, bias = np.abs(difference).max(), np.abs(difference).mean(), abs(difference.mean())
    likeness = correlation(prepared, original)
    if loss is None and most <= FLOAT16:
        return "equal", f"to {most:.1g}, correlation {likeness:.4f}"
    if loss is not None and mean <= loss and bias <= MOST_BIAS and likeness >= ALIKE:
        return (
            "lossy",
            f"within the codec: mean {mean:.2g} of at most {loss:.2g}, correlation {likeness:.4f}",
        )
    return "WRONG", (
        f"differs by up to {most:.2g}, mean {mean:.2g}, bias {difference.mean():+.2g}, "
        f"correlation {likeness:.4f}; most like {_nearest(prepared, original)}"
    )


def correlation(one: Shaped[np.ndarray, "..."], other: Shaped[np.ndarray, "..."]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _mirrored(original: Prepared) -> str:
    likeness = [correlation(original, np.flip(original, axis)) for axis in range(3)]
    return ", ".join(f"axis {axis}: {value:.3f}" for axis, value in enumerate(likeness))


def _nearest(prepared: Prepared, original: Prepared) -> str:
    """The turn of the original that comes nearest, for whoever looks for the fault."""
    best, name = -1.0, ""
    for order in permutations(range(3)):
        turned = original.transpose(order)
        for flips in product((1, -1), repeat=3) if turned.shape == prepared.shape else ():
            value = correlation(prepared, turned[:: flips[0], :: flips[1], :: flips[2]])
            if value > best:
                best, name = value, f"axes {order} with signs {flips} ({value:.4f})"
    return name
