"""`python -m clinimcl.evaluate run=RUN`: the metrics and the report of a trained run."""

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clinimcl.config.command import launch
from clinimcl.config.settings import GROUPS, EvaluateSettings, TrainSettings
from clinimcl.runs.folder import settings_of, without_evaluation


def evaluate_run(
    settings: TrainSettings,
    run: Path,
    datamodule: Any,
    *,
    scored: Any = None,
    probes: bool = False,
    groups: Sequence[str] = GROUPS,
) -> Any:
    """Measure a run on held-out subjects; write evaluation.json, figures, report.html and the review pack.

    A contrastive run at every kept checkpoint, a classifier of health change beside what needs no encoder; linear
    probes and harmonisation on request, since they take the embeddings of all training scans, by two encoders. All is
    compared between `groups` of people and scans. What an earlier evaluation left is replaced. `datamodule` is set up;
    `scored` is what `stages.classify` returned, if it was just run. Returns what was `Reported`.
    """
    from clinimcl.runs import reviewing
    from clinimcl.runs.costs import Costs

    costs = Costs()
    with costs.stage("evaluation"):
        reported, asked = _measured(settings, run, datamodule, scored, probes, groups)
    if reported.record.reviewed:
        reviewing.write(reviewing.Run(settings, run, datamodule), reported, asked, costs)
    return reported


def _measured(
    settings: TrainSettings, run: Path, datamodule: Any, scored: Any, probes: bool, groups: Sequence[str]
) -> tuple[Any, Any]:
    """All but the review pack, written; and what health change was measured on."""
    from clinimcl.evaluation.report.report import Reported
    from clinimcl.phantoms import truth
    from clinimcl.runs import change_inputs, stages

    without_evaluation(run)
    seed, phantom = settings.seed, truth.read(datamodule.cohort.root)
    module = stages.pretrained(settings, run)
    embedded = _embedded(module, run, datamodule, phantom) if _contrastive(module) else _shown(datamodule)
    evaluation = _evaluated(embedded, seed, run)
    asked = change_inputs.change_inputs(settings, run, datamodule, scored) if settings.change is not None else None
    change = _change(asked, seed, run)
    encoded = _encoded(settings, run, datamodule, probes)
    probed = _probed(encoded, seed, run) if probes else None
    scanner = _scanner(encoded, datamodule, embedded, run, seed)
    headlines = _headlines(embedded, asked, encoded if probes else None)
    compared = _compared(headlines, datamodule.scans, groups, seed, run)
    record = _record(settings, run, datamodule, embedded, phantom)._replace(reviewed=settings.review != "off")
    reported = Reported(embedded, evaluation, record, change, probed, compared, scanner)
    _report(reported, run)
    return reported, asked


def _contrastive(module: Any) -> bool:
    from clinimcl.modules.contrastive import ContrastivePretraining

    return isinstance(module, ContrastivePretraining)


def _evaluated(embedded: Any, seed: int, folder: Path) -> Any:
    """The contrastive part, written; None where only pictures of scans are shown."""
    from clinimcl.evaluation.contrastive.measure import evaluate, write_evaluation

    if not embedded.epochs:
        return None
    evaluation = evaluate(embedded, seed=seed)
    write_evaluation(evaluation, folder)
    return evaluation


def _change(inputs: Any, seed: int, folder: Path) -> Any:
    """The part of health change, written; None without a classifier."""
    from clinimcl.evaluation.change.measure import evaluate_change
    from clinimcl.evaluation.change.writing import write_change

    if inputs is None:
        return None
    change = evaluate_change(inputs, seed=seed)
    write_change(change, folder)
    return change


def _encoded(settings: TrainSettings, run: Path, datamodule: Any, probes: bool) -> Any:
    """Embeddings by the trained and the untrained encoder: of test scans and, for probes, of training scans.

    None where nothing is asked of them.
    """
    from clinimcl.runs import encoder_on_cohort, stages

    if not probes and not (datamodule.scans["split"] == "test").any():
        return None
    module = stages.pretrained(settings, run)  # the measures before may have left another epoch in theirs
    return encoder_on_cohort.probe_inputs(settings, module, datamodule, ["train", "test"] if probes else ["test"])


def _probed(inputs: Any, seed: int, folder: Path) -> Any:
    """What linear probes tell of the encoder, written."""
    from clinimcl.evaluation.probes.measure import evaluate_probes
    from clinimcl.evaluation.probes.writing import write_probes

    probed = evaluate_probes(inputs, seed)
    write_probes(probed, folder)
    return probed


def _scanner(inputs: Any, source: Any, embedded: Any, folder: Path, seed: int) -> Any:
    """How much of the embeddings is the scanner, written; None without embeddings."""
    from clinimcl.evaluation.entries import add_entries
    from clinimcl.evaluation.scanner.inputs import ScannerInputs
    from clinimcl.evaluation.scanner.measure import evaluate_scanner
    from clinimcl.modules import embedding

    if inputs is None:
        return None
    test = inputs.scans[inputs.scans["split"] == "test"]
    raw = embedded.raw
    if raw is None and len(test):
        raw = embedding.voxels(source.store, test)
    scanner = evaluate_scanner(ScannerInputs(inputs, raw), seed)
    add_entries(folder, scanner.measured, scanner.absent)
    return scanner


def _headlines(embedded: Any, change: Any, probed: Any) -> list[Any]:
    """What groups are compared by: of each part, from what it measured; None is a part that was not."""
    from clinimcl.evaluation.groups import sources

    return [
        *(sources.contrastive_headlines(embedded) if embedded.epochs else ()),
        *(sources.change_headlines(change) if change is not None else ()),
        *(sources.probe_headlines(probed) if probed is not None else ()),
    ]


def _compared(headlines: list[Any], scans: Any, groups: Sequence[str], seed: int, folder: Path) -> Any:
    """For whom the model errs, written."""
    from clinimcl.evaluation.groups.measure import evaluate_groups
    from clinimcl.evaluation.groups.writing import write_groups

    compared = evaluate_groups(headlines, scans, groups, seed)
    write_groups(compared, folder)
    return compared


def _report(reported: Any, folder: Path) -> None:
    from clinimcl.evaluation.report.report import write_report

    embedded, evaluation, record, *parts = reported
    write_report(embedded, evaluation, record, folder, *parts)


def _embedded(module: Any, run: Path, datamodule: Any, phantom: Any) -> Any:
    """What is measured: embeddings at every kept epoch, and the voxels that they are compared with."""
    from clinimcl.evaluation.contrastive.inputs import Embedded
    from clinimcl.modules import embedding
    from clinimcl.training import checkpoint_files

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


def _shown(datamodule: Any) -> Any:
    """The held-out scans, for the report's pictures."""
    from clinimcl.evaluation.contrastive.inputs import Embedded

    test = datamodule.scans[datamodule.scans["split"] == "test"]
    return Embedded(test.reset_index(drop=True), {}, 0)


def _record(settings: TrainSettings, run: Path, datamodule: Any, embedded: Any, phantom: Any) -> Any:
    """What else the report tells of the run."""
    from omegaconf import OmegaConf

    from clinimcl.cohorts import visits
    from clinimcl.evaluation.report.report import RunRecord, counts
    from clinimcl.evaluation.review.record import package_versions
    from clinimcl.preparation.prepare import remark_counts
    from clinimcl.tracking import loggers

    return RunRecord(
        title=settings.name,
        curves=_curves(run),
        chances=_chances(settings, embedded.validation_losses),
        remarks=_remarks(run),
        counts=counts(datamodule.scans),
        cohort_remarks=list(datamodule.remarks),
        scan_remarks=remark_counts(datamodule.scans),
        set_aside=datamodule.set_aside[["subject", "path", "reason"]],
        audit=visits.summary(datamodule.audit) if len(datamodule.audit) else {},
        speed=json.loads((run / "speed.json").read_text()),
        configuration=OmegaConf.to_yaml(OmegaConf.create(loggers.shareable(asdict(settings)))),
        phantom_digest=phantom.digest if phantom else "",
        versions=package_versions(),
        volumes=_pictured(datamodule, embedded, phantom),
    )


def _remarks(run: Path) -> list[str]:
    """What must be read with the results: of pretrained weights, of harmonised embeddings."""
    files = [run / name for name in ("weights.txt", "harmonised.txt")]
    return [line for file in files if file.is_file() for line in file.read_text().splitlines()]


def _pictured(datamodule: Any, embedded: Any, phantom: Any) -> Any:
    """Prepared scans for the mosaics; of heads that are neither generated nor masked, without their faces."""
    from clinimcl.modules import embedding
    from clinimcl.preparation import alignment
    from clinimcl.preparation.pipeline import VolumePipeline

    volumes = embedding.mosaic_volumes(datamodule.store, embedded.scans)
    pipeline = datamodule.pipeline
    if phantom or datamodule.cohort.mask is not None or not isinstance(pipeline, VolumePipeline):
        return volumes
    step, shown = pipeline.extent / pipeline.grid, {}
    for row, volume in volumes.items():
        with suppress(RuntimeError):  # of SimpleITK, which finds no pose: that scan is not shown
            shown[row] = alignment.without_face(volume, (step, step, step))
    return shown


def _chances(settings: TrainSettings, validation_losses: Any) -> dict[str, float]:
    """What who knows nothing reaches, by logged name."""
    change = {"change/train_loss": math.log(3), "change/validation_loss": math.log(3)}
    change |= {"change/validation_balanced_accuracy": 1 / 3, "validation/mse": 1.0}
    if validation_losses is None:
        return change
    validated = len(validation_losses)
    return change | {
        "train/loss": math.log(settings.pretrain["batch"]),
        "validation/loss": math.log(validated),
        "validation/retrieval_top1": 1 / validated,
    }


def _curves(run: Path) -> Any:
    """What was logged while training, its epochs counted from 1."""
    import pandas as pd

    from clinimcl.runs import folder as run_folder

    logged = pd.concat([pd.read_csv(file) for file in run_folder.logged(run)] or [pd.DataFrame()])
    courses = [name for name in logged if not str(name).startswith("test/") and not str(name).endswith("/selection")]
    logged = logged.reindex(columns=list(dict.fromkeys(["epoch", "step", *courses])))  # nothing, if none was trained
    return logged.assign(epoch=logged["epoch"] + 1)


def _realigned(datamodule: Any, paths: Any, phantom: Any) -> Any:
    from clinimcl.modules import embedding
    from clinimcl.phantoms import truth

    return embedding.flat([truth.realigned(phantom, path, datamodule.pipeline) for path in paths])


def evaluate_command(settings: EvaluateSettings) -> None:
    run = Path(settings.run)
    training = settings_of(run)
    from clinimcl import memory
    from clinimcl.evaluation.groups.groupings import carrying, check_groups
    from clinimcl.runs import components

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


def evaluate_elsewhere(settings: EvaluateSettings, training: TrainSettings, run: Path) -> None:
    """Measure a run on the test subjects of another cohort, into a folder of the run named after it.

    The probes are trained on that cohort's training subjects; a contrastive run is measured at its best epoch. What
    an earlier evaluation left in that folder is replaced.

    Raises:
        UserError: test subjects trained the encoder.
    """
    from clinimcl.encoders.provenance import check_new
    from clinimcl.errors import UserError
    from clinimcl.evaluation.groups.groupings import carrying, check_groups
    from clinimcl.evaluation.report.report import Reported
    from clinimcl.phantoms import truth
    from clinimcl.runs import encoder_on_cohort, stages

    assert settings.cohort is not None
    module = stages.pretrained(training, run)
    if not (settings.probes or _contrastive(module)):
        raise UserError("probes=false leaves nothing to measure of this encoder on another cohort")
    shown = encoder_on_cohort.shown(training, carrying(settings.cohort, settings.groups), settings.store)
    check_groups(shown.scans, settings.groups)
    tested = shown.scans.loc[shown.scans["split"] == "test", "subject"].unique().tolist()
    known = check_new(run / "checkpoints" / "best.ckpt", tested, settings.allow_overlap)
    encoded = encoder_on_cohort.probe_inputs(training, module, shown)
    folder = without_evaluation(run / f"on_{type(shown.cohort).__name__.lower()}")
    phantom, seed = truth.read(shown.cohort.root), training.seed
    embedded = _embedded_once(encoded, run, shown, phantom) if _contrastive(module) else _shown(shown)
    evaluation = _evaluated(embedded, seed, folder)
    asked = encoded if settings.probes else None
    probed = _probed(asked, seed, folder) if settings.probes else None
    scanner = _scanner(encoded if settings.probes or tested else None, shown, embedded, folder, seed)
    compared = _compared(_headlines(embedded, None, asked), shown.scans, settings.groups, seed, folder)
    record = _record(replace(training, cohort=settings.cohort), run, shown, embedded, phantom)
    record = _elsewhere(record, training, shown, folder, known)
    _report(Reported(embedded, evaluation, record, None, probed, compared, scanner), folder)
    print(f"report: {folder / 'report.html'}")


def _elsewhere(record: Any, training: TrainSettings, shown: Any, folder: Path, known: int) -> Any:
    """The record of a run on another cohort, `known` of whose test subjects trained the encoder."""
    remarks = [
        *record.remarks,
        *([f"{known} of the test subjects trained the encoder."] if known else []),
        *(["Its classifier of two scans is not measured on another cohort."] if training.change else []),
    ]
    title = f"{training.name} on {type(shown.cohort).__name__}"
    return record._replace(title=title, curves=_curves(folder), speed={}, remarks=remarks)


def _embedded_once(inputs: Any, run: Path, shown: Any, phantom: Any) -> Any:
    """What is measured on another cohort: the best epoch, and the voxels that it is compared with."""
    from clinimcl.evaluation.contrastive.inputs import Embedded
    from clinimcl.modules import embedding
    from clinimcl.training import checkpoint_files

    best = checkpoint_files.epoch_of(run / "checkpoints" / "best.ckpt")
    test = inputs.scans[inputs.scans["split"] == "test"]
    raw = embedding.voxels(shown.store, test) if len(test) else None
    posed = len(test) and phantom is not None and phantom.poses
    realigned = _realigned(shown, test["path"], phantom) if posed else None
    return Embedded(inputs.scans, {best: inputs.trained}, best, raw, realigned)


def main() -> None:
    launch(evaluate_command, EvaluateSettings, "evaluate")


if __name__ == "__main__":
    main()
