"""What a classifier of health change is measured on."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.cohorts.change import ChangeRule
from clinimcl.config.building import build
from clinimcl.config.settings import TrainSettings
from clinimcl.data import change_pairs
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.modules.embedding import pooled
from clinimcl.phantoms import truth
from clinimcl.runs import stages


def change_inputs(
    settings: TrainSettings, run: Path, datamodule: LongitudinalDataModule, scored: stages.Scored | None
) -> ChangeInputs:
    """Pairs, embeddings, and what the trained classifier says of the held-out ones.

    `scored` are the embeddings where training has them already.
    """
    assert settings.change is not None
    module, rule = stages.pretrained(settings, run), datamodule.rule
    if scored is None:
        scored = stages.embed_scored(settings, module, datamodule)
    pairs = build(settings.change["pairs"], "change.pairs")
    learned = {split: pairs.learned(datamodule.scans, split, rule) for split in ("train", "validation")}
    training = learned["train"]
    kind, test = pairs.tested(datamodule.scans, rule)
    learner = stages.trained_change(settings, run, module, scored.vectors.shape[1])
    ask = partial(stages.probabilities, settings, datamodule=datamodule, scored=scored)
    alike = alike_pairs(datamodule.scans, rule, kind, training)
    used = [own[["earlier", "later"]].to_numpy().ravel() for own in (*learned.values(), alike, test)]
    scored_test = datamodule.scans.index[(datamodule.scans["split"] == "test") & datamodule.scans["score"].notna()]
    rows = np.unique(np.concatenate([*used, scored_test]))
    scans = datamodule.scans.loc[rows].reset_index(drop=True)

    def refit(score: Float[np.ndarray, " scan"]) -> Float[np.ndarray, "pair 3"]:
        relabelled = {}
        for split, own in learned.items():
            placed = _placed(own, rows)
            relabelled[split] = own.assign(change=rule.change(score[placed["earlier"]], score[placed["later"]]))
        return ask(stages.retrained(settings, module, scored, relabelled), pairs=test)

    return ChangeInputs(
        scans=scans,
        embeddings=scored.vectors[rows].astype(float),
        predicted=None if scored.predicted is None else scored.predicted[rows],
        pixels=pooled(datamodule.store, scans),
        truth=_truth(datamodule, scans),
        train=_placed(training, rows),
        alike=_placed(alike, rows),
        test=_placed(test, rows),
        probabilities=ask(learner, pairs=test),
        swapped=ask(learner, pairs=test.rename(columns={"earlier": "later", "later": "earlier"})),
        kind=kind,
        rule=rule,
        tuned=not settings.change["frozen"],
        refit=refit if settings.change["frozen"] and settings.change["permutation_test"] else None,
    )


def alike_pairs(scans: pd.DataFrame, rule: ChangeRule, kind: str, training: pd.DataFrame) -> pd.DataFrame:
    """Training subjects' pairs of the kind that is tested; of two people, those that train the classifier."""
    if kind == change_pairs.KINDS["inter"]:
        subject = scans["subject"].to_numpy()
        return training[subject[training["earlier"]] != subject[training["later"]]]
    enumerated = change_pairs.intra_pairs if kind == change_pairs.KINDS["intra"] else change_pairs.zone_pairs
    return change_pairs.with_change(enumerated(change_pairs.scored(scans, "train")), scans, rule)


def _placed(pairs: pd.DataFrame, rows: Int[np.ndarray, " scan"]) -> pd.DataFrame:
    """Rows of the cohort's table as places among the measured scans."""
    places = {name: np.searchsorted(rows, pairs[name].to_numpy()) for name in ("earlier", "later")}
    return pairs.assign(**places)


def _truth(datamodule: LongitudinalDataModule, scans: pd.DataFrame) -> Float[np.ndarray, " scan"] | None:
    phantom: Any = truth.read(datamodule.cohort.root)
    if phantom is None:
        return None
    scores = truth.scores(phantom, scans["path"].tolist(), str(scans["score_name"].iloc[0]))
    return None if np.isnan(scores).any() else scores
