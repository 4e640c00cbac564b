"""The metrics and the report of a trained run, on its own cohort or on another one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl import memory
from clinimcl.config.settings import GROUPS, EvaluateSettings, TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.encoders.provenance import check_new
from clinimcl.errors import UserError
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.measure import ChangeEvaluation, evaluate_change
from clinimcl.evaluation.change.writing import write_change
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import Evaluation, evaluate, write_evaluation
from clinimcl.evaluation.entries import add_entries
from clinimcl.evaluation.groups import sources
from clinimcl.evaluation.groups.comparison import GroupEvaluation
from clinimcl.evaluation.groups.groupings import carrying, check_groups
from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.groups.measure import evaluate_groups
from clinimcl.evaluation.groups.writing import write_groups
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.measure import ProbeEvaluation, evaluate_probes
from clinimcl.evaluation.probes.writing import write_probes
from clinimcl.evaluation.report.report import Reported, RunRecord, write_report
from clinimcl.evaluation.scanner.inputs import ScannerInputs
from clinimcl.evaluation.scanner.measure import ScannerEvaluation, evaluate_scanner
from clinimcl.modules import embedding
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.phantoms import truth
from clinimcl.phantoms.truth import Truth
from clinimcl.runs import change_inputs, components, encoder_on_cohort, reviewing, stages
from clinimcl.runs.costs import Costs
from clinimcl.runs.encoder_on_cohort import Shown
from clinimcl.runs.folder import without_evaluation
from clinimcl.runs.records import curves_of, record_of
from clinimcl.training import checkpoint_files


def evaluate_command(settings: EvaluateSettings, training: TrainSettings) -> None:
    """Measure a run again, on its own cohort or on another one."""
    run = Path(settings.run)
    components.hush()
    memory.keep_freed()
    if settings.cohort is not None:
        evaluate_elsewhere(settings, training, run)
        return
    training = replace(training, cohort=carrying(training.cohort, settings.groups))
    datamodule = components.datamodule(training)
    datamodule.prepare_data()
    datamodule.setup()
    components.check_splits(run, datamodule.scans)
    check_groups(datamodule.scans, settings.groups)
    if settings.review is not None:
        training = replace(training, review=settings.review, faces_consent=settings.faces_consent)
    evaluate_run(training, run, datamodule, probes=settings.probes, groups=settings.groups)
    print(f"report: {run / 'report.html'}")


def evaluate_run(
    settings: TrainSettings,
    run: Path,
    datamodule: LongitudinalDataModule,
    *,
    scored: stages.Scored | None = None,
    probes: bool = False,
    groups: Sequence[str] = GROUPS,
) -> Reported:
    """Measure a run on held-out subjects; write evaluation.json, figures, report.html and the review pack.

    A contrastive run at every kept checkpoint, a classifier of health change beside what needs no encoder; linear
    probes and harmonisation on request, since they take the embeddings of all training scans, by two encoders. All is
    compared between `groups` of people and scans. What an earlier evaluation left is replaced. `datamodule` is set up;
    `scored` is what `stages.classify` returned, if it was just run. Returns what was `Reported`.
    """
    costs = Costs()
    with costs.stage("evaluation"):
        reported, asked = _measured(settings, run, datamodule, scored, probes, groups)
    if reported.record.reviewed:
        reviewing.write(reviewing.Run(settings, run, datamodule), reported, asked, costs)
    return reported


def _measured(
    settings: TrainSettings,
    run: Path,
    datamodule: LongitudinalDataModule,
    scored: stages.Scored | None,
    probes: bool,
    groups: Sequence[str],
) -> tuple[Reported, ChangeInputs | None]:
    """All but the review pack, written; and what health change was measured on."""
    without_evaluation(run)
    seed, phantom = settings.seed, truth.read(datamodule.cohort.root)
    module = stages.pretrained(settings, run)
    embedded = (
        _embedded(module, run, datamodule, phantom)
        if isinstance(module, ContrastivePretraining)
        else _shown(datamodule)
    )
    evaluation = _evaluated(embedded, seed, run)
    asked = change_inputs.change_inputs(settings, run, datamodule, scored) if settings.change is not None else None
    change = _change(asked, seed, run)
    encoded = _encoded(settings, run, datamodule, probes)
    probed = _probed(encoded if probes else None, seed, run)
    scanner = _scanner(encoded, datamodule, embedded, run, seed)
    headlines = _headlines(embedded, asked, encoded if probes else None)
    compared = _compared(headlines, datamodule.scans, groups, seed, run)
    record = record_of(settings, run, datamodule, embedded, phantom)._replace(reviewed=settings.review != "off")
    reported = Reported(embedded, evaluation, record, change, probed, compared, scanner)
    _report(reported, run)
    return reported, asked


def _evaluated(embedded: Embedded, seed: int, folder: Path) -> Evaluation | None:
    """The contrastive part, written; None where only pictures of scans are shown."""
    if not embedded.epochs:
        return None
    evaluation = evaluate(embedded, seed=seed)
    write_evaluation(evaluation, folder)
    return evaluation


def _change(inputs: ChangeInputs | None, seed: int, folder: Path) -> ChangeEvaluation | None:
    """The part of health change, written; None without a classifier."""
    if inputs is None:
        return None
    change = evaluate_change(inputs, seed=seed)
    write_change(change, folder)
    return change


def _encoded(
    settings: TrainSettings, run: Path, datamodule: LongitudinalDataModule, probes: bool
) -> ProbeInputs | None:
    """Embeddings by the trained and the untrained encoder: of test scans and, for probes, of training scans.

    None where nothing is asked of them.
    """
    if not probes and not (datamodule.scans["split"] == "test").any():
        return None
    module = stages.pretrained(settings, run)  # the measures before may have left another epoch in theirs
    return encoder_on_cohort.probe_inputs(settings, module, datamodule, ["train", "test"] if probes else ["test"])


def _probed(inputs: ProbeInputs | None, seed: int, folder: Path) -> ProbeEvaluation | None:
    """What linear probes tell of the encoder, written; None where nothing is probed."""
    if inputs is None:
        return None
    probed = evaluate_probes(inputs, seed)
    write_probes(probed, folder)
    return probed


def _scanner(
    inputs: ProbeInputs | None,
    source: Shown | LongitudinalDataModule,
    embedded: Embedded,
    folder: Path,
    seed: int,
) -> ScannerEvaluation | None:
    """How much of the embeddings is the scanner, written; None without embeddings."""
    if inputs is None:
        return None
    test = inputs.scans[inputs.scans["split"] == "test"]
    raw = embedded.raw
    if raw is None and len(test):
        raw = embedding.voxels(source.store, test)
    scanner = evaluate_scanner(ScannerInputs(inputs, raw), seed)
    add_entries(folder, scanner.measured, scanner.absent)
    return scanner


def _headlines(embedded: Embedded, change: ChangeInputs | None, probed: ProbeInputs | None) -> list[Headline]:
    """What groups are compared by: of each part, from what it measured; None is a part that was not."""
    return [
        *(sources.contrastive_headlines(embedded) if embedded.epochs else ()),
        *(sources.change_headlines(change) if change is not None else ()),
        *(sources.probe_headlines(probed) if probed is not None else ()),
    ]


def _compared(
    headlines: list[Headline], scans: pd.DataFrame, groups: Sequence[str], seed: int, folder: Path
) -> GroupEvaluation:
    """For whom the model errs, written."""
    compared = evaluate_groups(headlines, scans, groups, seed)
    write_groups(compared, folder)
    return compared


def _report(reported: Reported, folder: Path) -> None:
    embedded, evaluation, record, change, probes, groups, scanner = reported
    write_report(embedded, evaluation, record, folder, change, probes, groups, scanner)


def _embedded(
    module: ContrastivePretraining, run: Path, datamodule: LongitudinalDataModule, phantom: Truth | None
) -> Embedded:
    """What is measured: embeddings at every kept epoch, and the voxels that they are compared with."""
    rows = embedding.rows_to_embed(datamodule.scans)
    kept = checkpoint_files.kept(run / "checkpoints")
    epochs = {}
    for epoch, path in kept.items():
        checkpoint_files.load(module, path)
        epochs[epoch] = embedding.embed(module, datamodule.scan_dataloader(rows))
    best = checkpoint_files.epoch_of(run / "checkpoints" / "best.ckpt")
    checkpoint_files.load(module, kept[best])
    scans = datamodule.scans.loc[rows].reset_index(drop=True)
    test = scans[scans["split"] == "test"]
    return Embedded(
        scans,
        epochs,
        best,
        embedding.voxels(datamodule.store, test) if len(test) else None,
        _realigned(datamodule, test["path"], phantom) if len(test) and phantom else None,
        embedding.validation_losses(module, datamodule.val_dataloader()),
    )


def _shown(datamodule: Shown | LongitudinalDataModule) -> Embedded:
    """The held-out scans, for the report's pictures."""
    test = datamodule.scans[datamodule.scans["split"] == "test"]
    return Embedded(test.reset_index(drop=True), {}, 0)


def _realigned(
    datamodule: Shown | LongitudinalDataModule, paths: "pd.Series[str]", phantom: Truth
) -> Float[np.ndarray, "test voxel"]:
    return embedding.flat([truth.realigned(phantom, path, datamodule.pipeline) for path in paths])


def evaluate_elsewhere(settings: EvaluateSettings, training: TrainSettings, run: Path) -> None:
    """Measure a run on the test subjects of another cohort, into a folder of the run named after it.

    The probes are trained on that cohort's training subjects; a contrastive run is measured at its best epoch. What
    an earlier evaluation left in that folder is replaced.

    Raises:
        UserError: test subjects trained the encoder.
    """
    assert settings.cohort is not None
    module = stages.pretrained(training, run)
    contrastive = isinstance(module, ContrastivePretraining)
    if not (settings.probes or contrastive):
        raise UserError("probes=false leaves nothing to measure of this encoder on another cohort")
    shown = encoder_on_cohort.shown(training, carrying(settings.cohort, settings.groups), settings.store)
    check_groups(shown.scans, settings.groups)
    tested = shown.scans.loc[shown.scans["split"] == "test", "subject"].unique().tolist()
    known = check_new(run / "checkpoints" / "best.ckpt", tested, settings.allow_overlap)
    encoded = encoder_on_cohort.probe_inputs(training, module, shown)
    folder = without_evaluation(run / f"on_{type(shown.cohort).__name__.lower()}")
    phantom, seed = truth.read(shown.cohort.root), training.seed
    embedded = _embedded_once(encoded, run, shown, phantom) if contrastive else _shown(shown)
    evaluation = _evaluated(embedded, seed, folder)
    asked = encoded if settings.probes else None
    probed = _probed(asked, seed, folder)
    scanner = _scanner(encoded if settings.probes or tested else None, shown, embedded, folder, seed)
    compared = _compared(_headlines(embedded, None, asked), shown.scans, settings.groups, seed, folder)
    record = record_of(replace(training, cohort=settings.cohort), run, shown, embedded, phantom)
    record = _elsewhere(record, training, shown, folder, known)
    _report(Reported(embedded, evaluation, record, None, probed, compared, scanner), folder)
    print(f"report: {folder / 'report.html'}")


def _elsewhere(record: RunRecord, training: TrainSettings, shown: Shown, folder: Path, known: int) -> RunRecord:
    """The record of a run on another cohort, `known` of whose test subjects trained the encoder."""
    remarks = [
        *record.remarks,
        *([f"{known} of the test subjects trained the encoder."] if known else []),
        *(["Its classifier of two scans is not measured on another cohort."] if training.change else []),
    ]
    title = f"{training.name} on {type(shown.cohort).__name__}"
    return record._replace(title=title, curves=curves_of(folder), speed={}, remarks=remarks)


def _embedded_once(inputs: ProbeInputs, run: Path, shown: Shown, phantom: Truth | None) -> Embedded:
    """What is measured on another cohort: the best epoch, and the voxels that it is compared with."""
    best = checkpoint_files.epoch_of(run / "checkpoints" / "best.ckpt")
    test = inputs.scans[inputs.scans["split"] == "test"]
    raw = embedding.voxels(shown.store, test) if len(test) else None
    realigned = _realigned(shown, test["path"], phantom) if len(test) and phantom and phantom.poses else None
    return Embedded(inputs.scans, {best: inputs.trained}, best, raw, realigned)
