"""What the review pack of a run is made of: its scans, networks and costs, gathered for the evaluation."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from clinimcl.config.building import build
from clinimcl.config.settings import TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.data.sampling import fixed_pairs
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.errors import UserError
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.report.report import Reported
from clinimcl.evaluation.review.flow import Use
from clinimcl.evaluation.review.inputs import Calibrated, Occlusion, Picture, Retrieval, ReviewInputs, RunFacts
from clinimcl.evaluation.review.measure import review
from clinimcl.evaluation.review.perturbations import Array, of_clips, of_volumes
from clinimcl.evaluation.review.record import machine, package_versions
from clinimcl.evaluation.review.robustness import Changed, ChangeTest, RobustnessInputs, Vectors
from clinimcl.evaluation.review.sensitivity import Occluded
from clinimcl.evaluation.review.writing import FOLDER, write_review
from clinimcl.evaluation.statistics.metrics import Absent
from clinimcl.harmonisation.combat import Harmonisation, harmonise
from clinimcl.harmonisation.numbers import FILE, read_harmonisation
from clinimcl.inference import calibration
from clinimcl.inference.rendering import Effect
from clinimcl.modules import embedding
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.phantoms import truth
from clinimcl.preparation import alignment
from clinimcl.preparation.frames import as_frames
from clinimcl.preparation.pipeline import VolumePipeline
from clinimcl.pseudonyms import pseudonyms
from clinimcl.runs import components, encoder_on_cohort, stages
from clinimcl.runs.costs import COSTS, Costs
from clinimcl.tracking import loggers

MOST_OCCLUDED = 6  # pairs, one a subject: two networks see each of them some hundred times
SMALLEST = 1e-12  # probability whose logarithm is taken
NOT_WANTED = Absent("it was not asked for (review_scans=0)")
FACE_LEFT = Absent(
    "a scan is not pictured, since no pose of its head was found in which its face could be taken off; "
    "review=faces faces_consent=true shows heads as they are, where those pictured agreed"
)


class Run(NamedTuple):
    """A trained run and the cohort that it was measured on."""

    settings: TrainSettings
    folder: Path
    datamodule: LongitudinalDataModule


class Networks(NamedTuple):
    """What turns scans into embeddings, and pairs of them into logits."""

    encoder: Callable[[Tensor], Tensor]
    classifier: ChangeClassifier | None
    harmonisation: Harmonisation | None = None  # of the embeddings that the classifier reads

    def embed(self, served: Float[Tensor, "scan 1 a b c"], scans: pd.DataFrame) -> Vectors:
        """`scans` are the rows of the cohort's table that the arrays are of."""
        return harmonised(self.encoder(served).float().numpy(), scans, self.harmonisation)


def harmonised(vectors: Vectors, scans: pd.DataFrame, fitted: Harmonisation | None) -> Vectors:
    """As they are where nothing was fitted."""
    return vectors if fitted is None else harmonise(fitted, vectors, scans)[0].astype(np.float32)


def write(run: Run, reported: Reported, change: ChangeInputs | None, costs: Costs) -> None:
    """RUN/review. `change` is what health change was measured on; `costs` are those of the evaluation."""
    with costs.stage("review pack"):
        inputs = review_inputs(run, reported, change)
        measured = review(inputs)
    inputs = inputs._replace(facts=inputs.facts._replace(costs=inputs.facts.costs | costs.stages))
    write_review(inputs, measured, run.folder / FOLDER)


def review_inputs(run: Run, reported: Reported, change: ChangeInputs | None) -> ReviewInputs:
    settings, datamodule = run.settings, run.datamodule
    table = pd.concat([datamodule.scans, datamodule.set_aside], ignore_index=True)
    module = stages.pretrained(settings, run.folder).eval()
    networks = trained_networks(run, module, change)
    return ReviewInputs(
        facts=run_facts(run, module, networks),
        table=table,
        names=pseudonyms(
            [*reported.embedded.table("test")["subject"], *reported.embedded.scans["subject"], *table["subject"]]
        ),
        uses=uses(run, module, change),
        metrics=reported.metrics,
        change=change,
        calibrated=calibrated(run, module, change) if change is not None else None,
        retrieval=retrieval(reported),
        picture=partial(picture, run),
        robustness=robustness_inputs(run, networks, change),
        occlusion=occlusion(run, networks, change),
        seed=settings.seed,
    )


def run_facts(run: Run, module: components.Pretraining, networks: Networks) -> RunFacts:
    settings, folder = run.settings, run.folder
    parts = {"encoder": module.encoder, "classifier": networks.classifier}
    costs, evaluation, weights = (folder / name for name in (COSTS, "evaluation.json", "weights.txt"))
    return RunFacts(
        title=settings.name,
        settings=loggers.shareable(asdict(settings)),
        cohort=type(run.datamodule.cohort).__name__,
        generated=truth.read(run.datamodule.cohort.root) is not None,
        remarks=list(run.datamodule.remarks),
        parameters={name: weight_count(part) for name, part in parts.items() if part is not None},
        weights=weights.read_text().strip() if weights.is_file() else "",
        rule=run.datamodule.rule.sentence if settings.change is not None else "",
        versions=package_versions(),
        machine=machine(),
        costs=json.loads(costs.read_text()) if costs.is_file() else {},
        elsewhere=sorted(path.name.removeprefix("on_") for path in folder.glob("on_*") if path.is_dir()),
        groups="groups" in json.loads(evaluation.read_text()),
    )


def weight_count(part: nn.Module) -> int:
    return sum(weights.numel() for weights in part.parameters())


def trained_networks(run: Run, module: components.Pretraining, change: ChangeInputs | None) -> Networks:
    """Those of the run; a classifier that trained the encoder on has its own."""
    if change is None:
        return Networks(module, None)
    learner = stages.trained_change(run.settings, run.folder, module, change.embeddings.shape[1]).eval()
    classifier = learner.classifier
    assert isinstance(classifier, ChangeClassifier)
    return Networks(learner.encoder if change.tuned else module, classifier, fitted_harmonisation(run))


def fitted_harmonisation(run: Run) -> Harmonisation | None:
    if run.settings.harmonise is None:
        return None
    return read_harmonisation(run.folder / "checkpoints" / FILE)


def random_networks(run: Run, width: int, classified: bool) -> Networks:
    """The same networks as their seed made them."""
    untrained = encoder_on_cohort.untrained(run.settings)
    return Networks(untrained, components.classifier(run.settings, width).eval() if classified else None)


def uses(run: Run, module: components.Pretraining, change: ChangeInputs | None) -> list[Use]:
    """What scans of each split were taken for."""
    return [
        *(pretraining_uses(run, module) if run.settings.epochs else []),
        *(retrieval_uses(run) if isinstance(module, ContrastivePretraining) else []),
        *(change_uses(run, change) if change is not None else []),
    ]


def pretraining_uses(run: Run, module: components.Pretraining) -> list[Use]:
    datamodule, scans = run.datamodule, run.datamodule.scans
    purposes = {"train": "train the encoder", "validation": "choose the epoch of the encoder"}
    if isinstance(module, ScorePretraining):
        rows = {split: datamodule.scored(split).tolist() for split in purposes}
        needs: tuple[str, ...] = ("score",)
    else:
        several = has_other_session(scans)
        pairs = fixed_pairs(datamodule.sessions("validation"), run.settings.pretrain["seed"])
        fixed = [row for pair in pairs for row in pair]
        rows = {"train": scans.index[several & (scans["split"] == "train")].tolist(), "validation": fixed}
        needs = ("other session",)
    otherwise = "not in the one pair of its subject that is validated"
    return [Use(split, purpose, named(scans, rows[split]), needs, otherwise) for split, purpose in purposes.items()]


def retrieval_uses(run: Run) -> list[Use]:
    test = run.datamodule.scans[run.datamodule.scans["split"] == "test"]
    searched = named(test, test.index[has_other_session(test)].tolist())
    return [Use("test", "search for the same subject", searched, ("other session",), "it has nothing to be found")]


def change_uses(run: Run, change: ChangeInputs) -> list[Use]:
    assert run.settings.change is not None
    pairs = build(run.settings.change["pairs"], "change.pairs")
    chosen = pairs.learned(run.datamodule.scans, "validation", run.datamodule.rule)
    tables = {
        "train": ("train the classifier of change", change.train, change.scans),
        "validation": ("choose the epoch of the classifier", chosen, run.datamodule.scans),
        "test": ("test the classifier of change", change.test, change.scans),
    }
    needs = ("score", "first run")
    return [
        Use(split, purpose, named(scans, both_ends(own)), needs, "no other scan to make a pair with")
        for split, (purpose, own, scans) in tables.items()
    ]


def has_other_session(scans: pd.DataFrame) -> "pd.Series[bool]":
    return scans.groupby("subject")["session"].transform("nunique") > 1


def both_ends(pairs: pd.DataFrame) -> list[int]:
    return np.unique(pairs[["earlier", "later"]].to_numpy(int)).tolist()


def named(scans: pd.DataFrame, rows: Sequence[int]) -> frozenset[str]:
    return frozenset(scans.loc[list(rows), "path"])


def calibrated(run: Run, module: components.Pretraining, change: ChangeInputs) -> Calibrated:
    """By validation pairs of the kind that is tested, each of whose subjects weighs the same."""
    settings, scans = run.settings, run.datamodule.scans
    assert settings.change is not None
    try:
        pairs = build(settings.change["pairs"], "change.pairs")
        _, validated = pairs.tested(scans, run.datamodule.rule, "validation")
    except UserError:
        reason = "Its probabilities are as it says them: no pair of validation subjects could calibrate them."
        return Calibrated(change.probabilities, reason)
    said = validation_probabilities(run, module, change, validated)
    subject = pd.factorize(scans["subject"].to_numpy()[validated["earlier"]])[0]
    weight = 1 / np.bincount(subject)[subject]
    rule = calibration.fit(logarithms(said), validated["change"].to_numpy(int), weight)
    sentence = (
        f"Its probabilities were calibrated on {len(validated)} validation pairs of {subject.max() + 1} subjects."
    )
    return Calibrated(rule.probabilities(logarithms(change.probabilities)), sentence)


def validation_probabilities(
    run: Run, module: components.Pretraining, change: ChangeInputs, pairs: pd.DataFrame
) -> Float[np.ndarray, "pair 3"]:
    settings, datamodule = run.settings, run.datamodule
    rows = both_ends(pairs)
    vectors = np.full((len(datamodule.scans), change.embeddings.shape[1]), np.nan, np.float32)
    found = embedding.embed(module, datamodule.scan_dataloader(rows))
    vectors[rows] = harmonised(found, datamodule.scans.loc[rows], fitted_harmonisation(run))
    learner = stages.trained_change(settings, run.folder, module, vectors.shape[1])
    return stages.probabilities(settings, learner, datamodule, stages.Scored(vectors, None), pairs)


def logarithms(probabilities: Float[np.ndarray, "pair 3"]) -> Float[np.ndarray, "pair 3"]:
    return np.log(np.maximum(probabilities, SMALLEST))


def retrieval(reported: Reported) -> Retrieval | None:
    if reported.evaluation is None or not len(reported.embedded.table("test")):
        return None
    embedded = reported.embedded
    return Retrieval(embedded.table("test"), embedded.vectors(embedded.best, "test"))


def prepared(run: Run, path: str) -> Array:
    scans = run.datamodule.scans
    row = scans.index[scans["path"] == path][0]
    key, checksum = (str(scans.at[row, name]) for name in ("key", "checksum"))
    return np.array(run.datamodule.store.get(key, checksum))


def picture(run: Run, path: str) -> Picture | Absent:
    """A prepared scan, without its face unless it has none or those pictured agreed."""
    volume, pipeline = prepared(run, path).astype(np.float32), run.datamodule.pipeline
    cohort = run.datamodule.cohort
    if not isinstance(pipeline, VolumePipeline) or cohort.mask is not None or truth.read(cohort.root):
        return volume  # there is no face
    if run.settings.review == "faces":
        return volume
    step = pipeline.extent / pipeline.grid
    try:
        return alignment.without_face(volume, (step, step, step))
    except RuntimeError:  # of SimpleITK, which finds no pose
        return FACE_LEFT


def robustness_inputs(run: Run, networks: Networks, change: ChangeInputs | None) -> RobustnessInputs | Absent:
    settings = run.settings
    if settings.review_scans == 0:
        return NOT_WANTED
    scans, tested = tested_scans(run, change)
    if scans.empty:
        return Absent("there is no test scan whose subject has another one")
    chosen = chosen_subjects(scans, settings.review_scans, settings.seed)
    own = scans[scans["subject"].isin(chosen)]
    left_out = int(scans["subject"].nunique()) - len(chosen)
    if tested is not None and change is not None:
        tested = renumbered(tested, own)
        if tested.empty:
            return Absent(f"none of the pairs is of the {len(chosen)} subjects chosen: raise review_scans")
    own = own.reset_index(drop=True)
    test = change_test(change, own, tested, networks) if change is not None and tested is not None else None
    pipeline = run.datamodule.pipeline
    kinds = of_volumes(pipeline.extent / pipeline.grid) if isinstance(pipeline, VolumePipeline) else of_clips()
    arrays = [prepared(run, path) for path in own["path"]]
    embed = partial(embed_changed, run, networks, own, arrays)
    return RobustnessInputs(own, embed, kinds, test, settings.seed, left_out)


def tested_scans(run: Run, change: ChangeInputs | None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Scans of test pairs, labelled by their place in `change.scans`, with those pairs; else of the searches."""
    if change is not None:
        return change.scans.loc[both_ends(change.test)], change.test
    test = run.datamodule.scans[run.datamodule.scans["split"] == "test"]
    return test[has_other_session(test)], None


def chosen_subjects(scans: pd.DataFrame, most: int, seed: int) -> list[str]:
    """In an order that the seed gives, as many subjects as have no more than `most` scans, and at least two."""
    sizes = scans.groupby("subject").size()
    order = np.random.default_rng((seed, 7)).permutation(len(sizes))
    within = int((np.cumsum(sizes.to_numpy()[order]) <= most).sum())
    return sizes.index[order[: max(within, 2)]].tolist()


def renumbered(pairs: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """Pairs both of whose scans are there, as places among them."""
    place = pd.Series(np.arange(len(scans)), index=scans.index)
    kept = pairs[pairs["earlier"].isin(place.index) & pairs["later"].isin(place.index)]
    ends = {name: place[kept[name]].to_numpy() for name in ("earlier", "later")}
    return kept.assign(**ends).reset_index(drop=True)


def change_test(change: ChangeInputs, scans: pd.DataFrame, pairs: pd.DataFrame, networks: Networks) -> ChangeTest:
    return ChangeTest(change._replace(scans=scans, test=pairs), partial(probabilities, networks))


@torch.inference_mode()
def embed_changed(run: Run, networks: Networks, scans: pd.DataFrame, arrays: list[Array], changed: Changed) -> Vectors:
    """Of each scan's array after it was changed."""
    batch = run.settings.loading["evaluation_batch"]
    found = []
    for start in range(0, len(arrays), batch):
        served = [changed(start + number, array) for number, array in enumerate(arrays[start : start + batch])]
        found.append(networks.encoder(as_input(run, np.stack(served))).float().numpy())
    return harmonised(np.concatenate(found), scans, networks.harmonisation)  # a person's scans together


def as_input(run: Run, arrays: Float[np.ndarray, "scan a b c"]) -> Float[Tensor, "scan 1 a b c"]:
    """Prepared arrays as the encoder is served them, with the rounding of the store."""
    slices = run.settings.loading["slices"]
    stored = arrays.astype(np.float16)
    served = stored if slices is None else as_frames(stored, slices)
    return torch.from_numpy(np.ascontiguousarray(served))[:, None].float()


@torch.inference_mode()
def probabilities(networks: Networks, earlier: Vectors, later: Vectors) -> Float[np.ndarray, "pair 3"]:
    return logits(networks, earlier, later).softmax(dim=1).numpy().astype(float)


def logits(networks: Networks, earlier: Vectors, later: Vectors) -> Float[Tensor, "pair 3"]:
    assert networks.classifier is not None
    both = (torch.from_numpy(np.ascontiguousarray(own, dtype=np.float32)) for own in (earlier, later))
    return networks.classifier(*both).float()


def occlusion(run: Run, networks: Networks, change: ChangeInputs | None) -> Occlusion | Absent:
    """One pair of each of a few test subjects, in the order of the robustness curves."""
    if run.settings.review_scans == 0:
        return NOT_WANTED
    scans, tested = tested_scans(run, change)
    if tested is None:
        tested = consecutive_pairs(scans)
    if tested.empty:
        return Absent("no test subject has two scans to hide parts of")
    subject = scans["subject"].loc[tested["earlier"]].to_numpy()
    order = np.random.default_rng((run.settings.seed, 7)).permutation(len(tested))
    pairs = tested.iloc[order][~pd.Series(subject[order]).duplicated().to_numpy()]
    width = change.embeddings.shape[1] if change is not None else 0
    most = min(MOST_OCCLUDED, max(run.settings.review_scans // 2, 1))
    random = random_networks(run, width, classified=change is not None)
    chosen: list[Callable[[], Occluded]] = [
        partial(occluded, run, (networks, random), (str(scans.at[earlier, "path"]), str(scans.at[later, "path"])))
        for earlier, later in pairs[["earlier", "later"]].to_numpy()[:most].tolist()
    ]
    what = "the classifier’s answer" if change is not None else "the likeness of two scans of one person"
    return Occlusion(chosen, what)


def consecutive_pairs(scans: pd.DataFrame) -> pd.DataFrame:
    """Labels of the first scans of the first and the second session of each subject."""
    sessions = scans.sort_values("day", kind="stable").drop_duplicates(["subject", "session"])
    rows = [own.index[:2].tolist() for _, own in sessions.groupby("subject") if len(own) > 1]
    return pd.DataFrame(rows, columns=["earlier", "later"])


def occluded(run: Run, networks: tuple[Networks, Networks], paths: tuple[str, str]) -> Occluded:
    earlier, later = (prepared(run, path).astype(np.float32) for path in paths)
    whole, random = networks
    pair = run.datamodule.scans.set_index("path", drop=False).loc[list(paths)]
    number = answered(run, whole, pair, (earlier, later)) if whole.classifier is not None else None
    return Occluded(earlier, later, *(support(run, own, pair, number) for own in (whole, random)))


@torch.inference_mode()
def answered(run: Run, networks: Networks, pair: pd.DataFrame, arrays: tuple[Array, Array]) -> int:
    vectors = networks.embed(as_input(run, np.stack(arrays)), pair)
    return int(logits(networks, vectors[:1], vectors[1:]).argmax())


def support(run: Run, networks: Networks, pair: pd.DataFrame, number: int | None) -> Effect:
    """Of a pair, changed in several ways: by how much a class is ahead, or the cosine of the embeddings."""

    @torch.inference_mode()
    def supported(
        earlier: Float[np.ndarray, "scan a b c"], later: Float[np.ndarray, "scan a b c"]
    ) -> Float[np.ndarray, " scan"]:
        served = as_input(run, np.concatenate([earlier, later]))
        first, second = np.split(networks.embed(served, pair.iloc[np.repeat([0, 1], len(earlier))]), 2)
        if number is None:
            return nn.functional.cosine_similarity(torch.from_numpy(first), torch.from_numpy(second)).numpy()
        said = logits(networks, first, second).numpy()
        return said[:, number] - np.delete(said, number, axis=1).max(axis=1)

    return supported
