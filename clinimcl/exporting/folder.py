"""All that an exported model is, in one folder."""

from dataclasses import asdict
from pathlib import Path

from clinimcl.config.settings import ExportSettings, TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.evaluation.groups.writing import group_entries
from clinimcl.exporting import held_out, reference_statistics, scan_outputs, trained_networks
from clinimcl.exporting import model_card as exported_card
from clinimcl.harmonisation.numbers import FILE, read_harmonisation, write_harmonisation
from clinimcl.inference import card, selftest
from clinimcl.inference.onnx_networks import Networks
from clinimcl.inference.references import write_references


def write_folder(
    settings: ExportSettings, training: TrainSettings, datamodule: LongitudinalDataModule, folder: Path
) -> tuple[list[str], held_out.Measured]:
    """The whole folder; what there is to say of it, and what was measured.

    Raises:
        UserError: held-out subjects trained what travels, and that is not allowed.
    """
    known = exported_card.known_people(settings, datamodule.scans)
    run, identity = Path(settings.run), settings.identity
    found = trained_networks.networks(training, run, Path(identity) if identity else None, datamodule)
    wanted = exported_card.wanted(training, datamodule, settings.thickest)
    trained_networks.write_networks(found, wanted.shape, folder)
    travels = Networks(folder, trained_networks.names(found))
    trained_networks.check_same(found, travels, wanted.shape)
    selftest.write_selftest(travels, wanted.shape, folder)
    fitted = None
    if training.harmonise is not None:
        fitted = read_harmonisation(run / "checkpoints" / FILE)
        write_harmonisation(fitted, folder / FILE)
    scans = scan_outputs.describe(travels, datamodule, wanted.kind, found.tells_people, fitted)
    compared = reference_statistics.references(scans)
    write_references(compared, folder)
    parts = card.Typed(
        wanted,
        held_out.score(scans),
        held_out.calibrate(travels, scans, datamodule.rule),
        reference_statistics.limits(scans, compared),
    )
    measured = held_out.measure(travels, scans, compared, parts, datamodule.rule, training.seed)
    told = exported_card.told(run, datamodule, measured)
    groups = held_out.compare_groups(
        travels, scans, parts.calibration, datamodule.rule, datamodule.scans, training.seed
    )
    told["groups"] = group_entries(groups)
    told |= exported_card.stated(settings, datamodule, found.tells_people) | {"known_people": known}
    made = card.Card(
        format=card.FORMAT if fitted is None else card.HARMONISED_FORMAT,
        name=training.name,
        input=asdict(parts.input),
        score=asdict(parts.score) if parts.score else None,
        calibration=asdict(parts.calibration),
        limits=asdict(parts.limits),
        files=card.digests(folder),
        told=told,
    )
    exported_card.write_model_card(made, folder)
    card.write_card(made, folder)
    card.write_sums(folder)
    return exported_card.summary(made), measured
