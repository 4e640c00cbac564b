"""python experiments/exported_model/measure.py RUN MODEL [REAL]: what an exported model of volumes says and refuses.

RUN is the run it was exported from, of a generated cohort; REAL a folder with ixi_bids, btp_bids and covid_blues.
"""

import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from clinimcl.exporting.reference_statistics import likenesses
from clinimcl.exporting.scan_outputs import change_pairs_of, describe, people_pairs, person_pairs
from clinimcl.exporting.trained_networks import networks
from clinimcl.inference.input_scans import Refused, given, given_pair
from clinimcl.inference.model import Model
from clinimcl.inference.prediction import answer, ask
from clinimcl.runs import components
from clinimcl.runs.folder import settings_of


def main() -> None:
    run, model = Path(sys.argv[1]), Model(Path(sys.argv[2]))
    settings = settings_of(run)
    datamodule = components.datamodule(settings)
    datamodule.setup()
    described = describe(model.networks, datamodule, "volume", tells_people=True)
    same_as_torch(run, settings, datamodule, model)
    people(model, described)
    unfamiliar(model, described)
    if len(sys.argv) > 3:
        real(model, Path(sys.argv[3]))


def same_as_torch(run, settings, datamodule, model, pairs=50):
    """50 pairs of test subjects, from their files and from torch."""
    found = networks(settings, run, None, datamodule)
    described = describe(model.networks, datamodule, "volume", tells_people=True)
    own = change_pairs_of(described, "test", datamodule.rule).head(pairs)
    paths, keys = described.scans["path"], described.scans[["key", "checksum"]]
    same, worst = 0, 0.0
    for earlier, later in own[["earlier", "later"]].to_numpy():
        seen = np.stack([datamodule.store.get(*keys.loc[row]) for row in (earlier, later)])[:, None]
        with torch.inference_mode():
            first, second = found.encoder(torch.from_numpy(seen.astype(np.float32)))[:, None]
            forth, back = found.classifier(first, second), found.classifier(second, first)
        expected = model.rule.probabilities(((forth + back.flip(1)) / 2).double().numpy())[0]
        asked = ask(model, *given_pair(paths[earlier], paths[later], model.pipeline, model.parts.input))
        ours = np.array(list(answer(model, asked).change.values()))
        same += ours.argmax() == expected.argmax()
        worst = max(worst, float(np.abs(ours - expected).max()))
    print(f"same class as torch: {same} of {len(own)} pairs; largest difference of a probability {worst:.1e}")


def people(model, described, pairs=40):
    for name, own in (
        ("of one person", person_pairs(described, "test")),
        ("of two people", people_pairs(described, "test", 0)),
    ):
        chosen = np.random.default_rng(0).permutation(own)[:pairs]
        likeness = likenesses(described, model.references, chosen)
        print(f"pairs {name} flagged: {(likeness < model.parts.limits.likeness).sum()} of {len(chosen)}")


def unfamiliar(model, described, scans=40):
    rows = np.random.default_rng(0).permutation(described.split("test"))[:scans]
    refused = sum(_refused(model, described.scans["path"][row]) for row in rows)
    print(f"test scans refused as out of distribution: {refused} of {len(rows)}")


def _refused(model, path):
    """Out of distribution, or no scan for this model."""
    try:
        scan = given("later", str(path), model.pipeline, model.parts.input)
    except Refused:
        return True
    embedded = model.embed(model.seen(scan.prepared)[None])
    return max(model.unlikeness(scan.prepared, embedded.change[0]).values()) > 1


def real(model, folder):
    for name, pattern in (("IXI scans", "ixi_bids/**/*T1w.nii.gz"), ("ultrasound videos", "covid_blues/**/*.mp4")):
        paths = sorted(folder.glob(pattern))
        print(f"{name} refused: {sum(_refused(model, path) for path in paths)} of {len(paths)}")
    turned_alike(model, next(iter(sorted(folder.glob("ixi_bids/**/*T1w.nii.gz")))))


def turned_alike(model, path):
    """Probabilities of a real scan and a made-up later one, whatever the axes of the files; refusals do not count."""
    image, found = nib.load(path), []
    later = nib.Nifti1Image(np.asarray(image.dataobj) ** 1.1, image.affine)
    with tempfile.TemporaryDirectory() as folder:
        for axes in ("RAS", "LPS", "PIR"):
            scans = []
            for role, own in (("earlier", image), ("later", later)):
                turn = nib.orientations.ornt_transform(
                    nib.io_orientation(own.affine), nib.orientations.axcodes2ornt(axes)
                )
                nib.save(own.as_reoriented(turn), f"{folder}/{role}.nii.gz")
                scans.append(given(role, f"{folder}/{role}.nii.gz", model.pipeline, model.parts.input))
            embedded = model.embed(np.stack([model.seen(scan.prepared) for scan in scans]))
            found.append(model.rule.probabilities(model.logits(embedded.change[:1], embedded.change[1:]))[0])
    print(f"largest difference between RAS, LPS and PIR copies of a real scan: {np.ptp(found, axis=0).max():.1e}")


if __name__ == "__main__":
    main()
