"""A trained run → a folder that answers without torch: networks, and what its held-out people say of it."""

import importlib.metadata
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from sklearn.covariance import LedoitWolf
from torch import Tensor, nn

from clinimcl import stages
from clinimcl.building import build
from clinimcl.data import change_pairs
from clinimcl.data.longitudinal import LongitudinalDataModule
from clinimcl.encoders.contract import check_new, read_contract
from clinimcl.errors import UserError
from clinimcl.evaluation.exported import Answered, Judged, evaluate_answers, evaluate_flags
from clinimcl.evaluation.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.wording import label, number
from clinimcl.files import write_text
from clinimcl.inference import calibration
from clinimcl.inference.card import Calibration, Card, Input, Limits, Score, Typed
from clinimcl.inference.familiarity import People, Reference, appearance, people
from clinimcl.inference.networks import CLASSIFIER, ENCODER, IDENTITY, SCORE
from clinimcl.inference.networks import Networks as Exported
from clinimcl.inference.references import References, Trajectories
from clinimcl.inference.selftest import ask, made_up, worst
from clinimcl.modules import checkpoints
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.onnx_files import write_network
from clinimcl.modules.score import ScorePretraining
from clinimcl.phantoms import truth
from clinimcl.preparation.pipeline import FieldOfView, VolumePipeline
from clinimcl.settings import TrainSettings
from clinimcl.templates import filled

FLAGS = ("flagged_as_unfamiliar", "flagged_of_one_person", "flagged_of_two_people")
VERSIONS = ("clinimcl", "torch", "onnxruntime", "numpy", "nibabel")
THICKEST = 2.0  # voxels of the encoder's grid: detail that it was trained on is not there
TOLERATED = 0.99  # share of validation scans that lie within the limits of what is familiar, before the margin
MARGIN = 1.25  # new people differ a little more than some dozens of validation subjects; other organs do by far
TRUE_PAIRS = 0.95  # share of validation pairs of one person that are taken for such
MOST_ROUNDING = 1e-4
MOST_DRAWN = 60  # training subjects whose course is shown
MOST_REFERENCE = 2000  # training scans from which the references are made


class Networks(NamedTuple):
    """In evaluation mode, float32, on the CPU."""

    encoder: nn.Module  # of change
    classifier: nn.Module
    score: nn.Module | None  # embedding → score in its own unit
    identity: nn.Module | None  # None where it is the encoder of change, or there is none
    tells_people: bool


class Restored(nn.Module):
    """The regressed score in its own unit."""

    def __init__(self, regressor: nn.Linear, mean: float, deviation: float) -> None:
        super().__init__()
        self.regressor = regressor
        self.mean, self.deviation = mean, deviation

    def forward(self, embedding: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch 1"]:
        return self.regressor(embedding) * self.deviation + self.mean


def networks(settings: TrainSettings, run: Path, identity: Path | None, datamodule: LongitudinalDataModule) -> Networks:
    """
    Raises:
        UserError: the run has no classifier, or the identity encoder sees other scans than the run's.
    """
    module = stages.pretrained(settings, run)
    pairs = build(settings.change["pairs"], "change.pairs").learned(datamodule.scans, "train", datamodule.rule)  # type: ignore[index]
    scored = stages.embed_scored(module, datamodule)
    learner = stages.change_learner(settings, module, scored, pairs)
    checkpoints.load(learner, run / "checkpoints" / "change.ckpt")
    frozen = isinstance(learner.encoder, nn.Identity)
    encoder = module.encoder if frozen else learner.encoder
    score = None
    if frozen and isinstance(module, ScorePretraining):
        score = Restored(module.regressor, *datamodule.scale)
    own = frozen and isinstance(module, ContrastivePretraining)
    other = _identity(settings, identity, datamodule) if identity is not None else None
    if other is None and not frozen and isinstance(module, ContrastivePretraining):
        other = stages.pretrained(settings, run).encoder  # as it was before the classifier trained it on
    return Networks(encoder.eval(), learner.classifier.eval(), score, other, own or other is not None)


def _identity(settings: TrainSettings, run: Path, datamodule: LongitudinalDataModule) -> nn.Module:
    """Its training subjects must be strangers to those from whom the limits come, and to those who test them."""
    from clinimcl.run_folder import settings_of

    other = settings_of(run)
    module = stages.pretrained(other, run)
    if not isinstance(module, ContrastivePretraining):
        raise UserError(f"identity={run} must be a run of contrastive pretraining, such as experiment=oasis_infonce")
    own = (build(settings.preparation, "preparation"), settings.loading["slices"])
    if (build(other.preparation, "preparation"), other.loading["slices"]) != own:
        raise UserError(f"identity={run} sees scans that are prepared otherwise: train it with the same preparation")
    held_out = datamodule.scans.loc[datamodule.scans["split"] != "train", "subject"].unique().tolist()
    check_new(run / "checkpoints" / "best.ckpt", held_out, allowed=False)
    return module.encoder.eval()


def names(found: Networks) -> list[str]:
    """Of the files that `found` is written to."""
    there = {ENCODER: found.encoder, CLASSIFIER: found.classifier, SCORE: found.score, IDENTITY: found.identity}
    return [name for name, network in there.items() if network is not None]


def write_networks(found: Networks, shape: Sequence[int], folder: Path) -> None:
    """`shape` of a scan as the encoder sees it."""
    seen = torch.from_numpy(made_up(shape))
    with torch.inference_mode():
        embedding = found.encoder(seen)
    write_network(found.encoder, {"volume": seen}, "embedding", folder / f"{ENCODER}.onnx")
    pair = {"earlier": embedding, "later": embedding.flip(0)}
    write_network(found.classifier, pair, "logits", folder / f"{CLASSIFIER}.onnx")
    if found.score is not None:
        write_network(found.score, {"embedding": embedding}, "score", folder / f"{SCORE}.onnx")
    if found.identity is not None:
        write_network(found.identity, {"volume": seen}, "embedding", folder / f"{IDENTITY}.onnx")


class Described(NamedTuple):
    """What the exported networks say of the cohort's scans; rows as in `scans`."""

    scans: pd.DataFrame
    change: Float[np.ndarray, "scan embedding"]
    identity: Float[np.ndarray, "scan _"] | None
    score: Float[np.ndarray, " scan"] | None
    appearance: Float[np.ndarray, "scan value"]

    def split(self, name: str) -> Int[np.ndarray, " scan"]:
        return np.flatnonzero((self.scans["split"] == name).to_numpy())


def describe(exported: Exported, datamodule: LongitudinalDataModule, kind: str, tells_people: bool) -> Described:
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
    return Described(
        scans.loc[rows].reset_index(drop=True), embedding, own if tells_people else None, score, np.stack(looks)
    )


def references(found: Described) -> References:
    """Of the training scans."""
    rows = found.split("train")
    return References(
        _reference(found.appearance[rows]),
        _reference(found.change[rows]),
        trajectories(found),
        _people(found) if found.identity is not None else None,
    )


def _people(found: Described) -> People | None:
    """None where no training subject has two visits."""
    rows = found.split("train")
    assert found.identity is not None
    values, person = found.identity[rows].astype(float), pd.factorize(found.scans["subject"].to_numpy()[rows])[0]
    counts = np.bincount(person)
    means = np.stack([values[person == number].mean(axis=0) for number in range(len(counts))])
    several = counts[person] > 1
    if not several.any():
        return None
    off = (values - means[person]) * np.sqrt(counts / np.maximum(counts - 1, 1))[person, None]
    within = LedoitWolf(assume_centered=True).fit(off[several]).covariance_
    return people(values.mean(axis=0), LedoitWolf().fit(means).covariance_, within)


def trajectories(found: Described) -> Trajectories:
    """Of the first training subjects with two visits."""
    rows = found.split("train")
    values = found.change[rows].astype(float)
    mean = values.mean(axis=0)
    axes = np.linalg.svd(values - mean, full_matrices=False)[2][:2]
    drawn = found.scans.iloc[rows].assign(row=rows).drop_duplicates(["subject", "session"]).sort_values("day")
    several = drawn[drawn.groupby("subject")["session"].transform("nunique") > 1]
    shown = several[several["subject"].isin(several["subject"].unique()[:MOST_DRAWN])]
    person, points = pd.factorize(shown["subject"])[0], (found.change[shown["row"]] - mean) @ axes.T
    return Trajectories(mean.astype(np.float32), axes.astype(np.float32), person, points.astype(np.float32))


def _reference(values: Float[np.ndarray, "scan value"]) -> Reference:
    """Source of the covariance: Ledoit and Wolf 2004."""
    fitted = LedoitWolf().fit(values.astype(float))
    return Reference(fitted.location_.astype(np.float32), fitted.precision_.astype(np.float32))


def limits(found: Described, known: References) -> Limits:
    """
    Raises:
        UserError: there is no validation scan.
    """
    rows = found.split("validation")
    if not len(rows):
        raise UserError(
            "the limits of a model come from validation subjects, and there is none: set cohort.split.validation"
        )
    distances = [known.appearance.distance(found.appearance[rows]), known.embedding.distance(found.change[rows])]
    tolerated = [MARGIN * float(np.quantile(own, TOLERATED, method="higher")) for own in distances]
    return Limits(appearance=tolerated[0], embedding=tolerated[1], likeness=_least_likeness(found, known))


def _least_likeness(found: Described, known: References) -> float | None:
    """Each subject counts as one, however many pairs are theirs."""
    pairs = person_pairs(found, "validation")
    if known.people is None or not len(pairs):
        return None
    alike = likenesses(found, known, pairs)
    subject = found.scans["subject"].to_numpy()[pairs[:, 0]]
    _, place, count = np.unique(subject, return_inverse=True, return_counts=True)
    order, weight = np.argsort(alike), 1 / count[place]
    below = np.cumsum(weight[order]) / weight.sum()
    return float(alike[order][np.searchsorted(below, 1 - TRUE_PAIRS)])


def likenesses(found: Described, known: References, pairs: Int[np.ndarray, "pair 2"]) -> Float[np.ndarray, " pair"]:
    assert found.identity is not None and known.people is not None
    return known.people.ratio(found.identity[pairs[:, 0]], found.identity[pairs[:, 1]])


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


def logits(exported: Exported, found: Described, pairs: pd.DataFrame) -> Float[np.ndarray, "pair 3"]:
    earlier, later = (found.change[pairs[name].to_numpy(int)] for name in ("earlier", "later"))
    return exported.logits(earlier, later)


def calibrate(exported: Exported, found: Described, rule: Any) -> Calibration:
    """On one person's pairs of validation subjects, each of whom counts as one."""
    pairs = change_pairs_of(found, "validation", rule)
    if pairs.empty:
        return Calibration(temperature=1.0, stable=0.0, pairs=0, subjects=0, least=None)
    subject = pd.factorize(found.scans["subject"].to_numpy()[pairs["earlier"]])[0]
    counts = np.bincount(subject)
    asked, change = logits(exported, found, pairs), pairs["change"].to_numpy(int)
    fitted = calibration.fit(asked, change, 1 / counts[subject])
    least = calibration.least_probability(fitted.probabilities(asked), change, subject)
    return Calibration(
        temperature=fitted.temperature, stable=fitted.stable, pairs=len(pairs), subjects=len(counts), least=least
    )


def score_error(found: Described) -> float | None:
    """Within which 90 % of new people's scans lie; None where no score is estimated, or subjects are too few."""
    rows = np.flatnonzero((found.scans["split"] == "validation") & found.scans["score"].notna())
    if found.score is None or not len(rows):
        return None
    off = np.abs(found.score[rows] - found.scans["score"].to_numpy(float)[rows])
    subject = pd.factorize(found.scans["subject"].to_numpy()[rows])[0]
    return calibration.covering(off, subject)


class Measured(NamedTuple):
    """On test subjects, by what travels."""

    outcomes: dict[str, Outcome]
    reliability: pd.DataFrame


def measure(exported: Exported, found: Described, known: References, parts: Typed, rule: Any, seed: int) -> Measured:
    subject = pd.factorize(found.scans["subject"].to_numpy())[0]
    pairs = change_pairs_of(found, "test", rule)
    answered = _answered(exported, found, parts.calibration, pairs, subject)
    outcomes, reliability = evaluate_answers(answered, seed)
    rows = found.split("test")
    unlike = np.maximum(
        known.appearance.distance(found.appearance[rows]) / parts.limits.appearance,
        known.embedding.distance(found.change[rows]) / parts.limits.embedding,
    )
    judged = Judged(subject[rows], subject[rows], unlike > 1)
    outcomes["flagged_as_unfamiliar"] = evaluate_flags(judged, seed, "there is no test scan")
    if parts.limits.likeness is None:
        absent = Absent("the model has no encoder that tells people apart, or no validation subject has two visits")
        return Measured(
            outcomes | dict.fromkeys(("flagged_of_one_person", "flagged_of_two_people"), absent), reliability
        )
    for name, own in (("one_person", person_pairs(found, "test")), ("two_people", people_pairs(found, "test", seed))):
        flagged = likenesses(found, known, own) < parts.limits.likeness
        judged = Judged(subject[own[:, 0]], subject[own[:, 1]], flagged)
        outcomes[f"flagged_of_{name}"] = evaluate_flags(judged, seed, "there is no such pair of test scans")
    return Measured(outcomes, reliability)


def _answered(
    exported: Exported, found: Described, rule: Calibration, pairs: pd.DataFrame, subject: Int[np.ndarray, " scan"]
) -> Answered:
    if pairs.empty:
        return Answered(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3)), None)
    asked = calibration.Rule(rule.temperature, rule.stable).probabilities(logits(exported, found, pairs))
    within = None if rule.least is None else calibration.answer_set(asked, rule.least)
    of_pair = np.unique(subject[pairs["earlier"]], return_inverse=True)[1]
    return Answered(of_pair, pairs["change"].to_numpy(int), asked, within)


def check_same(found: Networks, exported: Exported, shape: Sequence[int]) -> None:
    """
    Raises:
        UserError: the exported networks differ from the trained ones by more than rounding.
    """
    seen = torch.from_numpy(made_up(shape))
    with torch.inference_mode():
        embedding = found.encoder(seen)
        expected = {ENCODER: embedding, CLASSIFIER: found.classifier(embedding, embedding.flip(0))}
        if found.score is not None:
            expected[SCORE] = found.score(embedding)
        if found.identity is not None:
            expected[IDENTITY] = found.identity(seen)
    off = worst(ask(exported, seen.numpy()), {name: value.numpy() for name, value in expected.items()})
    if not off < MOST_ROUNDING:
        raise UserError(f"the exported networks differ from the trained ones by {off:.2g} of the largest value")


def wanted(settings: TrainSettings, datamodule: LongitudinalDataModule, thickest: float | None) -> Input:
    pipeline = datamodule.pipeline
    volume = isinstance(pipeline, VolumePipeline)
    if thickest is None and isinstance(pipeline, FieldOfView):
        thickest = max(THICKEST * pipeline.field_of_view / pipeline.grid, *(pipeline.spacing or ()), 0.0)
    return Input(
        kind="volume" if volume else "clip",
        preparation=settings.preparation,
        slices=settings.loading["slices"],
        shape=list(datamodule.volumes.gather([0]).shape[2:]),
        thickest=thickest if volume else None,
    )


def score(found: Described) -> Score | None:
    if found.score is None:
        return None
    first = found.scans[found.scans["score"].notna()].iloc[0]
    return Score(name=str(first["score_name"]), higher_is=str(first["higher_is"]), error=score_error(found))


def told(
    settings: TrainSettings, run: Path, datamodule: LongitudinalDataModule, measured: Measured, stated: dict[str, str]
) -> dict[str, Any]:
    """What people want to know of the model."""
    scans = datamodule.scans
    counted = {
        split: {"subjects": int(own["subject"].nunique()), "scans": len(own)} for split, own in scans.groupby("split")
    }
    evaluation, contract = run / "evaluation.json", read_contract(run / "checkpoints" / "change.ckpt")
    reported = {name: own.entry() for name, own in measured.outcomes.items() if isinstance(own, Metric)}
    return {
        "cohorts": contract.cohorts if contract else [settings.cohort["_target_"].rpartition(".")[2]],
        "generated": truth.read(datamodule.cohort.root) is not None,
        "counts": {str(split): own for split, own in counted.items()},
        **stated,
        "score": str(scans["score_name"].dropna().iloc[0]),
        "rule": datamodule.rule.sentence,
        "metrics": reported,
        "metrics_of_run": json.loads(evaluation.read_text()) if evaluation.is_file() else {},
        "absent": {name: own.reason for name, own in measured.outcomes.items() if isinstance(own, Absent)},
        "reliability": measured.reliability.to_dict("records"),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
    }


def write_model_card(card: Card, folder: Path) -> None:
    """For people, as model cards are: Mitchell et al. 2019."""
    tables = [_rows(card.told[name]) for name in ("metrics", "metrics_of_run")]
    context = {"card": card, "parts": card.typed(), "tables": tables, "label": label}
    write_text(filled("clinimcl.inference", "model_card.md.j2", context, escaped=False), folder / "README.md")


def _rows(metrics: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Label, name, value with its interval, what a constant answer reaches, subjects; for a table in Markdown."""
    return [
        (
            label(name).replace("|", "\\|"),
            name,
            *(number(entry[key]) for key in ("value", "low", "high")),
            number(entry["majority"]) if "majority" in entry else "",
            entry["n_subjects"],
        )
        for name, entry in metrics.items()
    ]


def summary(card: Card) -> list[str]:
    """What is said at the end."""
    metrics = card.told["metrics"]
    lines = [card.typed().calibration.sentence]
    for name in ("exported_accuracy", "set_coverage", "exported_calibration_error", *FLAGS):
        if name in metrics:
            entry = metrics[name]
            lines.append(f"{label(name)}: {number(entry['value'])} ({number(entry['low'])}–{number(entry['high'])})")
    return lines
