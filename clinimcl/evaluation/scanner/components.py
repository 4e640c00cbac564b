"""Components of variance by Henderson's method 3, of a whole embedding, with each subject left out in turn.

A scan's embedding is the sum of a mean and four effects: of its scanner, its subject, its subject's visit, and the
rest. Scanners are crossed with subjects; visits lie within subjects. Each component is the sum over all principal
parts (the trace of the effect's covariance), so parts weigh by their variance; since the estimates are linear in the
scans' inner products, no part has to be computed, and none is left out.

Sources: Henderson 1953, Biometrics 9:226, method 3; Searle, Casella and McCulloch 1992, Variance Components, 5.5.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.scanner.design import Design

Stack = Float[np.ndarray, " stack"]
UNGROUPED = -1
SMALLEST_EIGENVALUE = 1e-9  # of a sum of squares of scanners, beside the largest


class Components(NamedTuple):
    """Traces of covariances; the first of each stack is of all subjects, the others leave out one each."""

    subject: Stack
    scanner: Stack  # 0 where scanners count as one
    time: Stack  # 0 where it cannot be told apart
    rest: Stack
    repeats: float  # scans of a subject as they count in mean squares: their number, where all have as many

    @property
    def total(self) -> Stack:
        return self.subject + self.scanner + self.time + self.rest


class Part(NamedTuple):
    """Sums over the scans of one subject after the means of its groups are taken away."""

    square: float  # of the embeddings
    freedom: float  # number of scans less number of groups
    scanners: Float[np.ndarray, "scanner scanner"]  # products of the marks of scanners
    cross: Float[np.ndarray, "scanner dimension"]  # of these marks and the embeddings
    visit: float  # squares of the marks of visits, and their products with those of scanners, squared
    visit_scanners: Float[np.ndarray, "scanner scanner"]
    subject: float  # likewise of the subject's mark
    subject_scanners: Float[np.ndarray, "scanner scanner"]


class Level(NamedTuple):
    """Sums of squares before and after scanners are fitted, and by how much each component adds to them."""

    residual: Stack
    freedom: Stack  # what the rest adds to `residual`; likewise:
    visit: Stack
    subject: Stack
    explained: Stack  # by scanners
    rank: Stack  # what the rest adds to `explained`; likewise:
    visit_explained: Stack
    scanner_explained: Stack


def estimate(vectors: Float[np.ndarray, "row dimension"], design: Design) -> Components:
    """Unbiased, so that a component may come out below 0; not finite without a subject on whom it hangs.

    `vectors` has the rows of the design.
    """
    centred = principal_scores(vectors)
    whole = level_of(centred, design, np.full(len(centred), UNGROUPED))
    subjects = level_of(centred, design, design.subject)
    visits = level_of(centred, design, design.visit)
    with np.errstate(divide="ignore", invalid="ignore"):
        finest = visits if design.timed else subjects
        rest = finest.residual / finest.freedom
        time = 0 * rest
        if design.timed:
            time = (subjects.residual - rest * subjects.freedom) / subjects.visit
        subject = (whole.residual - rest * whole.freedom - time * whole.visit) / whole.subject
        scanner = 0 * rest
        if design.factor:
            others = rest * subjects.rank + time * subjects.visit_explained
            scanner = (subjects.explained - others) / subjects.scanner_explained
    repeats = float(whole.subject[0]) / (design.subjects - 1)
    return Components(defined(subject), defined(scanner), defined(time), defined(rest), repeats)


def principal_scores(
    vectors: Float[np.ndarray, "row dimension"],
) -> Float[np.ndarray, "row part"]:
    """Centred; of more dimensions than rows, as voxels are, all principal parts instead of the dimensions."""
    centred = vectors - vectors.mean(axis=0)
    if centred.shape[1] <= len(centred):
        return centred
    variances, axes = np.linalg.eigh((centred @ centred.T).astype(float))
    return axes * np.sqrt(variances.clip(0))


def defined(component: Stack) -> Stack:
    """NaN where nothing is left to estimate it from."""
    return np.where(np.isfinite(component), component, np.nan)


def level_of(vectors: Float[np.ndarray, "row dimension"], design: Design, group: Int[np.ndarray, " row"]) -> Level:
    """Of these groups of scans within subjects; ungrouped, nothing is taken away before scanners are."""
    marks = np.eye(design.scanners)[design.scanner]
    parts = [
        part_of(vectors[rows], marks[rows], indicators(design.visit[rows]), group[rows])
        for rows in subject_rows(design)
    ]
    scanners = left_out(np.stack([part.scanners for part in parts]))
    inverse = np.linalg.pinv(scanners, rcond=SMALLEST_EIGENVALUE, hermitian=True)
    explained = trace(inverse, squared_left_out(np.stack([part.cross for part in parts])))
    rank = trace(inverse, scanners)
    visit = trace(inverse, left_out(np.stack([part.visit_scanners for part in parts])))
    subject = trace(inverse, left_out(np.stack([part.subject_scanners for part in parts])))
    return Level(
        residual=left_out(np.array([part.square for part in parts])) - explained,
        freedom=left_out(np.array([part.freedom for part in parts])) - rank,
        visit=left_out(np.array([part.visit for part in parts])) - visit,
        subject=left_out(np.array([part.subject for part in parts])) - subject,
        explained=explained,
        rank=rank,
        visit_explained=visit,
        scanner_explained=np.trace(scanners, axis1=1, axis2=2),
    )


def part_of(
    vectors: Float[np.ndarray, "row dimension"],
    scanners: Float[np.ndarray, "row scanner"],
    visits: Float[np.ndarray, "row visit"],
    group: Int[np.ndarray, " row"],
) -> Part:
    """Of one subject's rows."""
    centring = np.eye(len(group))
    groups = indicators(group) if group[0] != UNGROUPED else np.zeros((len(group), 0))
    centring -= (groups / groups.sum(axis=0)) @ groups.T
    everywhere = np.ones((len(group), 1))
    scanners_left = centring @ scanners
    return Part(
        square=float(((centring @ vectors) ** 2).sum()),
        freedom=float(len(group) - groups.shape[1]),
        scanners=scanners.T @ scanners_left,
        cross=scanners_left.T @ vectors,
        visit=float(((centring @ visits) ** 2).sum()),
        visit_scanners=outer_square(scanners_left.T @ visits),
        subject=float(((centring @ everywhere) ** 2).sum()),
        subject_scanners=outer_square(scanners_left.T @ everywhere),
    )


def indicators(group: Int[np.ndarray, " row"]) -> Float[np.ndarray, "row group"]:
    """A column a group, 1 for its rows."""
    present = np.unique(group)
    return (group[:, None] == present).astype(float)


def subject_rows(design: Design) -> list[slice]:
    """Rows are sorted by subject."""
    ends = np.cumsum(np.bincount(design.subject)).tolist()
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def outer_square(matrix: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row row"]:
    return matrix @ matrix.T


def left_out(values: Float[np.ndarray, "subject *shape"]) -> Float[np.ndarray, "stack *shape"]:
    """Sums over all subjects, then over all but each."""
    total = values.sum(axis=0, keepdims=True)
    return np.concatenate([total, total - values])


def squared_left_out(
    cross: Float[np.ndarray, "subject scanner dimension"],
) -> Float[np.ndarray, "stack scanner scanner"]:
    """`left_out(cross)` times its transpose, without holding the former."""
    total = cross.sum(axis=0)
    whole = outer_square(total)
    mixed = cross @ total.T
    removed = mixed + mixed.transpose(0, 2, 1) - cross @ cross.transpose(0, 2, 1)
    return np.concatenate([whole[None], whole - removed])


def trace(one: Float[np.ndarray, "stack scanner scanner"], other: Float[np.ndarray, "stack scanner scanner"]) -> Stack:
    """Of the products."""
    return np.einsum("sij,sji->s", one, other)
