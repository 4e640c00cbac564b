"""What the exported networks say of the cohort's scans, and which of these are asked about together."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.data import change_pairs
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.harmonisation.combat import Harmonisation
from clinimcl.harmonisation.numbers import harmonise_asked
from clinimcl.inference.onnx_networks import ENCODER, IDENTITY, SCORE
from clinimcl.inference.onnx_networks import Networks as Exported
from clinimcl.inference.out_of_distribution import appearance

MOST_REFERENCE = 2000  # training scans from which the references are made


class Described(NamedTuple):
    """What the exported networks say of the cohort's scans; rows as in `scans`."""

    scans: pd.DataFrame
    change: Float[np.ndarray, "scan embedding"]
    classified: Float[np.ndarray, "scan embedding"]  # what the classifier reads: harmonised, or the same
    identity: Float[np.ndarray, "scan _"] | None
    score: Float[np.ndarray, " scan"] | None
    appearance: Float[np.ndarray, "scan value"]

    def split(self, name: str) -> Int[np.ndarray, " scan"]:
        return np.flatnonzero((self.scans["split"] == name).to_numpy())


def describe(
    exported: Exported,
    datamodule: LongitudinalDataModule,
    kind: str,
    tells_people: bool,
    fitted: Harmonisation | None = None,
) -> Described:
    """Of all validation and test scans, and of some training scans, by what will travel and not by what was trained."""
    scans = datamodule.scans
    training = scans.index[scans["split"] == "train"].to_numpy()
    if len(training) > MOST_REFERENCE:
        training = np.sort(np.random.default_rng(0).choice(training, MOST_REFERENCE, replace=False))
    rows = np.sort(np.concatenate([training, scans.index[scans["split"] != "train"].to_numpy()])).tolist()
    change, identity, looks = [], [], []
    for batch in datamodule.scan_dataloader(rows):
        seen = batch.volume.float().numpy()
        change.append(exported.run(ENCODER, volume=seen))
        if IDENTITY in exported:
            identity.append(exported.run(IDENTITY, volume=seen))
    for row in rows:
        array = datamodule.store.get(str(scans.at[row, "key"]), str(scans.at[row, "checksum"]))
        looks.append(appearance(np.asarray(array), kind))
    embedding = np.concatenate(change)
    own = np.concatenate(identity) if identity else embedding
    score = exported.run(SCORE, embedding=embedding)[:, 0] if SCORE in exported else None
    table = scans.loc[rows].reset_index(drop=True)
    classified = embedding
    if fitted is not None:
        sites, subjects = (table[name].tolist() for name in (fitted.factor, "subject"))
        classified, _ = harmonise_asked(fitted, embedding, sites, subjects)
    identities = own if tells_people else None
    return Described(table, embedding, classified, identities, score, np.stack(looks))


def person_pairs(found: Described, split: str) -> Int[np.ndarray, "pair 2"]:
    """Every two scans of one person at two sessions, zone by zone."""
    rows = found.split(split)
    columns = [found.scans[name].to_numpy()[rows] for name in ("subject", "session", "zone")]
    subject, session, zone = (pd.factorize(column)[0] for column in columns)
    own = [
        (rows[one], rows[other])
        for one, other in combinations(range(len(rows)), 2)
        if subject[one] == subject[other] and session[one] != session[other] and zone[one] == zone[other]
    ]
    return np.array(own, dtype=int).reshape(-1, 2)


def people_pairs(found: Described, split: str, seed: int) -> Int[np.ndarray, "pair 2"]:
    """As many pairs of two people, of one zone, as there are scans."""
    rows, generator = found.split(split), np.random.default_rng(seed)
    subject, zone = (pd.factorize(found.scans[name].to_numpy()[rows])[0] for name in ("subject", "zone"))
    own = []
    for place in range(len(rows)):
        others = np.flatnonzero((subject != subject[place]) & (zone == zone[place]))
        if len(others):
            own.append((rows[place], rows[generator.choice(others)]))
    return np.array(own, dtype=int).reshape(-1, 2)


def change_pairs_of(found: Described, split: str, rule: Any) -> pd.DataFrame:
    """One person's pairs with a score, earlier first."""
    own = change_pairs.intra_pairs(change_pairs.scored(found.scans, split))
    return change_pairs.with_change(own, found.scans, rule)
