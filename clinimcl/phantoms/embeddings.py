"""Embeddings whose shares of variance are known, to try the estimates on."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

DAYS_BETWEEN_VISITS = 400.0
DAYS_BETWEEN_SCANNERS = 3.0  # of a travelling head
SCANNER_CHANGE = 0.3  # chance that a visit is not at the subject's home


class Shares(NamedTuple):
    """Of an embedding's variance; they add up to 1."""

    subject: float
    scanner: float
    time: float
    rest: float


class Sampling(NamedTuple):
    """Of scans: the first `travelling` subjects are scanned on every scanner at their first visit."""

    subjects: int
    visits: int
    travelling: int
    scanners: int


def sample_scans(sampling: Sampling, generator: np.random.Generator) -> pd.DataFrame:
    """A row a scan: subject, session, day, scanner, site."""
    rows: list[tuple[str, str, float, str]] = []
    for subject in range(sampling.subjects):
        home = int(generator.integers(sampling.scanners))
        for visit in range(sampling.visits):
            moved = generator.random() < SCANNER_CHANGE
            scanners = [int(generator.integers(sampling.scanners)) if moved else home]
            if visit == 0 and subject < sampling.travelling:
                scanners = list(range(sampling.scanners))
            for number, scanner in enumerate(scanners):
                day = DAYS_BETWEEN_VISITS * visit + DAYS_BETWEEN_SCANNERS * number
                rows.append((f"P{subject}", f"d{day:.0f}", day, f"S{scanner}"))
    scans = pd.DataFrame(rows, columns=["subject", "session", "day", "scanner"])
    return scans.assign(site="A")


def sample_embeddings(
    scans: pd.DataFrame, shares: Shares, dimension: int, generator: np.random.Generator
) -> Float[np.ndarray, "scan dimension"]:
    """Normal effects. Those of the scanners have just their share, over these scanners with n - 1."""
    visit = (scans["day"] // DAYS_BETWEEN_VISITS).astype(int).astype(str)
    subject = effects(scans["subject"], dimension, generator)
    time = effects(scans["subject"] + visit, dimension, generator)
    rest = generator.standard_normal((len(scans), dimension))
    codes, scanner = sample_levels(scans["scanner"], dimension, generator)
    scanner -= scanner.mean(axis=0)
    scanner /= np.sqrt((scanner**2).sum() / ((len(scanner) - 1) * dimension))
    parts = (subject, scanner[codes], time, rest)
    return np.sum([np.sqrt(share) * part for share, part in zip(shares, parts, strict=True)], axis=0)


def effects(labels: pd.Series, dimension: int, generator: np.random.Generator) -> Float[np.ndarray, "scan dimension"]:
    codes, levels = sample_levels(labels, dimension, generator)
    return levels[codes]


def sample_levels(
    labels: pd.Series, dimension: int, generator: np.random.Generator
) -> tuple[Int[np.ndarray, " scan"], Float[np.ndarray, "level dimension"]]:
    """Each scan's level, and the effects of the levels."""
    codes = np.asarray(labels.factorize()[0], dtype=int)
    return codes, generator.standard_normal((int(codes.max()) + 1, dimension))
