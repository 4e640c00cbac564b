"""From a trained run to an answer, without torch: export, predict, and what they refuse."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml

from clinimcl.encoders.provenance import hashed, read_contract, write_contract
from clinimcl.inference.input_scans import given_pair
from clinimcl.inference.model import Model
from clinimcl.inference.page import page
from clinimcl.inference.prediction import Asked, answer, ask
from clinimcl.inference.server.uploads import ROLES
from tests.end_to_end.base_install import base_install
from tests.inference.asking import ended, left, served
from tests.inference.planted import damaged, planted_loop, planted_nifti, planted_slices, told
from tests.processors import NEEDS_AVX2

TINY = [
    "review_scans=0",
    "experiment=demo",
    "engine.workers=1",
    "preparation.grid=16",
    "encoder.channels=[8,8]",
    "epochs=2",
    "keep_every=2",
    "pretrain.batch=4",
    "pretrain.pairs_per_epoch=8",
    "cohort.split.validation=0.3",
    "cohort.split.test=0.3",
    "change=three_way_intra",
    "cohort.change_threshold=1.5",
    "change.epochs=2",
    "change.permutation_test=false",
    "run=run",
    "store=store",
]


@pytest.fixture(scope="module")
def folder(clinimcl, phantom, tmp_path_factory):
    """A run, exported."""
    folder = tmp_path_factory.mktemp("exported")
    trained = clinimcl("train", *TINY, f"cohort.root={phantom}", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    exported = clinimcl("export", "run=run", "out=model", "licence=CC BY 4.0", cwd=folder)
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.splitlines()[-1] == f"model: {folder / 'model'}"
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    """The first and the last scan of a test subject."""
    scans = pd.read_parquet(folder / "store" / "scans.parquet").sort_values("day")
    tested = scans[scans["split"] == "test"]
    own = next(own for _, own in tested.groupby("subject") if own["session"].nunique() > 1)
    return own["path"].iloc[0], own["path"].iloc[-1]


def predicted(clinimcl, folder, earlier, later, *more):
    settings = {"model": "model", "earlier": earlier, "later": later, "out": "out"}
    settings |= dict(setting.split("=") for setting in more)
    return clinimcl("predict", *(f"{key}={value}" for key, value in settings.items()), cwd=folder)


def test_the_card_tells_who_trained_and_calibrated_the_model(folder):
    card = json.loads((folder / "model" / "card.json").read_text())
    assert (
        card["told"]["cohorts"] == ["Oasis3"] and card["told"]["generated"] and card["told"]["licence"] == "CC BY 4.0"
    )
    assert card["told"]["modality"] == "T1w" and card["told"]["tells_people"] == ["Oasis3"]
    assert card["calibration"]["pairs"] > card["calibration"]["subjects"] > 1
    assert {"exported_accuracy", "exported_calibration_error", "flagged_of_two_people"} <= set(card["told"]["metrics"])


def test_nothing_in_the_folder_names_a_subject_or_a_place_on_this_machine(folder):
    for path in (folder / "model").iterdir():
        written = path.read_bytes()
        assert not [word for word in (b"OAS3", str(folder).encode(), b"site-packages") if word in written], path.name


def test_nothing_in_the_folder_is_pickled(folder):
    assert {path.suffix for path in (folder / "model").iterdir()} == {".onnx", ".npz", ".json", ".md", ""}
    for path in (folder / "model").glob("*.npz"):
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fiu" for name in file.files)


def test_an_answer_and_its_page(folder, clinimcl, pair):
    result = predicted(clinimcl, folder, *pair)
    assert result.returncode == 0, result.stderr
    assert re.match(r"(improved|stable|deteriorated): ", result.stdout)
    said = json.loads((folder / "out" / "answer.json").read_text())
    assert sum(said["change"].values()) == pytest.approx(1)
    assert "OAS3" not in result.stdout.replace(str(folder), "") + (folder / "out" / "page.html").read_text()


def test_the_run_s_report_tells_of_the_exported_model(folder):
    report = (folder / "run" / "report.html").read_text()
    assert report.count("<h2>Exported model</h2>") == 1
    assert "OAS3" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", report)  # pictures hold any letters


@NEEDS_AVX2
def test_another_runtime_gives_the_same_answer(folder, clinimcl, pair):
    answers = []
    for runtime in ("onnxruntime", "openvino"):
        result = predicted(clinimcl, folder, *pair, f"out={runtime}", "page=false", f"runtime={runtime}")
        assert result.returncode == 0, result.stderr
        answers.append(json.loads((folder / runtime / "answer.json").read_text())["change"])
    assert answers[1] == pytest.approx(answers[0], abs=1e-4)


def test_torch_and_the_exported_model_give_the_same_probabilities(folder, pair):
    from clinimcl.exporting.trained_networks import networks
    from clinimcl.runs import components
    from clinimcl.runs.folder import settings_of

    settings = settings_of(folder / "run")
    datamodule = components.datamodule(settings)
    datamodule.setup()
    found = networks(settings, folder / "run", None, datamodule)
    model = Model(folder / "model")
    table = datamodule.scans[datamodule.scans["split"] == "test"]
    rows = table.index.tolist()
    seen = datamodule.volumes.gather(rows).float()
    import torch

    with torch.inference_mode():
        embedding = found.encoder(seen)
        forth, back = found.classifier(embedding[:-1], embedding[1:]), found.classifier(embedding[1:], embedding[:-1])
    expected = model.rule.probabilities(((forth + back.flip(1)) / 2).double().numpy())
    ours = model.embed(seen.numpy()).change
    assert np.abs(model.rule.probabilities(model.logits(ours[:-1], ours[1:])) - expected).max() < 1e-4


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR"])
def test_a_turned_copy_gets_the_same_answer(folder, pair, tmp_path, axes):
    model, probabilities = Model(folder / "model"), []
    for paths in (pair, [turned(path, axes, tmp_path / f"{number}.nii.gz") for number, path in enumerate(pair)]):
        asked = ask(model, *given_pair(*map(str, paths), model.pipeline, model.parts.input))
        probabilities.append(list(answer(model, asked).change.values()))
    assert np.abs(np.subtract(*probabilities)).max() < 1e-3


def turned(path, axes, place):
    image = nib.load(path)
    wanted = nib.orientations.axcodes2ornt(axes)
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), wanted)
    nib.save(image.as_reoriented(turn), place)
    return place


@pytest.fixture
def named(pair, tmp_path):
    """A folder of slices and a file, of one person, who is named in them and by them."""
    images = [nib.as_closest_canonical(nib.load(path)) for path in pair]
    earlier, later = (np.rint(image.get_fdata()).astype(np.int16) for image in images)
    spacing = float(images[0].header.get_zooms()[0])
    folder, file = tmp_path / "DOE_JANE 19500101", tmp_path / "DOE_JANE.nii"
    folder.mkdir()
    for number, content in enumerate(planted_slices(earlier, spacing)):
        (folder / f"DOE_JANE.{number}").write_bytes(content)
    file.write_bytes(planted_nifti(later, spacing))
    return folder, file


def written_in(folder):
    return [path.read_bytes() for path in folder.iterdir()]


def test_planted_names_come_out_nowhere(folder, clinimcl, named):
    result = predicted(clinimcl, folder, *named, "out=named", "earlier_date=1950-01-01", "later_date=1949-01-01")
    assert result.returncode == 0 and "the dates are reversed" in result.stdout, result.stderr
    assert (folder / "named" / "page.html").is_file()
    assert told(result.stdout, result.stderr, *written_in(folder / "named")) == []


def test_a_table_s_answers_and_progress_name_nobody(folder, clinimcl, named, tmp_path):
    slices, file = named
    (tmp_path / "DOE_JANE.dcm").write_bytes(planted_loop())
    (tmp_path / "DOE_JANE").write_bytes(b"DOE^JANE" * 99)
    (tmp_path / "DOE_JANE.damaged.nii").write_bytes(damaged(file.read_bytes()))
    names = [slices.name, "DOE_JANE.dcm", "DOE_JANE", "DOE_JANE.damaged.nii", "DOE_JANE" * 40]
    rows = [f"{name},{file.name},1950-01-01,1950-01-01,DOE^JANE" for name in names]
    (tmp_path / "pairs.csv").write_text("\n".join(["earlier,later,earlier_date,later_date,name", *rows]))
    settings = ["model=model", f"pairs={tmp_path / 'pairs.csv'}", "out=many", "page=false"]
    result = clinimcl("predict", *settings, cwd=folder, FORCE_COLOR="1")
    assert result.stdout.startswith("1 answered, 4 refused") and "Answering" in result.stderr, result.stderr
    assert told(result.stdout, result.stderr, *written_in(folder / "many")) == []


def test_exported_twice_the_folder_is_replaced(folder, clinimcl):
    before = json.loads((folder / "model" / "card.json").read_text())
    assert clinimcl("export", "run=run", "out=model", "licence=CC BY 4.0", cwd=folder).returncode == 0
    after = json.loads((folder / "model" / "card.json").read_text())
    assert after["calibration"] == before["calibration"] and after["limits"] == before["limits"]


def test_a_folder_of_other_things_is_not_replaced(folder, clinimcl):
    result = clinimcl("export", "run=run", "out=run", cwd=folder)
    assert result.returncode == 2 and "must be a new folder, or one of an earlier export" in result.stderr
    assert (folder / "run" / "report.html").is_file()


WRONG = {
    "model=nowhere": "must be the folder of an exported model",
    "earlier=nowhere.nii": "the earlier scan cannot be used: the file is not there",
    "pairs=some.csv": "give either earlier=FILE and later=FILE, or pairs=FILE.csv",
    "runtime=openvino precision=int8": "runtime=openvino precision=int8 is not offered: choose runtime=onnxruntime",
    "earlier_date=soon": "earlier_date must be a date such as 2024-03-31",
    "out=model/card.json/wrong": "a file cannot be written or read",
    f"model={'x' * 300}": "a file cannot be written or read",
}


@pytest.mark.parametrize("settings", WRONG)
def test_a_mistake_is_told_in_a_sentence(folder, clinimcl, pair, settings):
    result = predicted(clinimcl, folder, *pair, "out=wrong", *settings.split())
    assert result.returncode == 2 and WRONG[settings] in result.stderr and "Traceback" not in result.stderr
    assert not (folder / "wrong").exists()


def test_predicting_needs_the_base_install_alone(folder, pair, tmp_path):
    python = base_install(tmp_path / "venv")
    extra = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in extra.stderr
    command = [python, "-m", "clinimcl.predict", "model=model", f"earlier={pair[0]}", f"later={pair[1]}", "out=light"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert Path(folder / "light" / "page.html").stat().st_size > 10_000


def test_a_run_without_a_classifier_is_refused(folder, clinimcl):
    shutil.copytree(folder / "run", folder / "plain", dirs_exist_ok=True)
    config = yaml.safe_load((folder / "plain" / "config.yaml").read_text())
    (folder / "plain" / "config.yaml").write_text(yaml.safe_dump(config | {"change": None}))
    result = clinimcl("export", "run=plain", "out=none", cwd=folder)
    assert result.returncode == 2 and "has no classifier of health change" in result.stderr


def test_a_run_that_ended_before_its_classifier_is_refused(folder, clinimcl):
    (folder / "ended").mkdir()
    shutil.copy(folder / "run" / "config.yaml", folder / "ended")
    (folder / "ended" / "status.json").write_text('{"status": "failed", "error": "UserError: no such cohort"}')
    result = clinimcl("export", "run=ended", "out=none", cwd=folder)
    assert result.returncode == 2
    assert "since it ended before its classifier was trained (UserError: no such cohort)" in result.stderr


def test_another_run_s_encoder_can_tell_people_apart(folder, clinimcl):
    result = clinimcl("export", "run=run", "identity=run", "out=two", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "two" / "identity.onnx").is_file() and not (folder / "model" / "identity.onnx").exists()
    assert Model(folder / "two").parts.limits.likeness == pytest.approx(Model(folder / "model").parts.limits.likeness)


def test_held_out_subjects_who_trained_the_weights_are_told(folder, clinimcl):
    shutil.copytree(folder / "run", folder / "known", dirs_exist_ok=True)
    scans = pd.read_parquet(folder / "store" / "scans.parquet")
    weights = folder / "known" / "checkpoints" / "best.ckpt"
    contract = read_contract(weights)
    write_contract(weights, replace(contract, subjects=hashed(scans["subject"].unique(), contract.salt)))
    refused = clinimcl("export", "run=known", "out=told", cwd=folder)
    assert refused.returncode == 2 and "held-out subjects have the ids of subjects who trained" in refused.stderr
    assert clinimcl("export", "run=known", "out=told", "allow_overlap=true", cwd=folder).returncode == 0
    assert "of the held-out subjects trained its weights**" in (folder / "told" / "README.md").read_text()


LUNG = ["experiment=lus_learner", "engine.workers=1", "preparation.side=32", "preparation.frames=2", "epochs=1"]
LUNG += ["encoder=vit", "encoder.layers=1", "pretrain.batch=8", "cohort.split.validation=0.3", "cohort.split.test=0.3"]
LUNG += ["change.epochs=1", "change.permutation_test=false", "run=run", "store=store"]


@pytest.fixture(scope="module")
def lung(clinimcl, lungs, tmp_path_factory):
    """A run on videos, exported."""
    folder = tmp_path_factory.mktemp("lung")
    trained = clinimcl("train", *LUNG, f"cohort.root={lungs}", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    exported = clinimcl("export", "run=run", "out=model", cwd=folder)
    assert exported.returncode == 0, exported.stderr
    return folder


def test_two_videos_get_scores_an_answer_and_a_page_on_which_they_play(clinimcl, lung):
    scans = pd.read_parquet(lung / "store" / "scans.parquet").sort_values("day")
    own = scans[(scans["split"] == "test") & (scans["zone"] == scans["zone"].iloc[0])]
    paths = next(group["path"] for _, group in own.groupby("subject") if group["session"].nunique() > 1)
    result = predicted(clinimcl, lung, paths.iloc[0], paths.iloc[-1])
    assert result.returncode == 0, result.stderr
    assert "estimated SF: " in result.stdout and "same person? this model cannot tell" in result.stdout
    assert (lung / "out" / "page.html").read_text().count("data:image/webp") == 2


def test_real_heads_are_refused_by_a_model_of_phantoms(folder, clinimcl, real_data):
    heads = sorted((real_data / "ixi_bids").glob("**/*T1w.nii.gz"))
    for pair in (heads[:2], heads[2:4], heads[4:6]):
        result = predicted(clinimcl, folder, *pair)
        assert result.returncode == 2 and "scan is out of distribution" in result.stderr
        assert not any(path.name.split("_")[0] in result.stderr for path in pair)


def test_real_heads_whose_headers_lie_are_refused_for_their_size(folder, clinimcl, real_data):
    pair = sorted((real_data / "btp_bids" / "sub-01").glob("**/*T1w.nii.gz"))
    result = predicted(clinimcl, folder, *pair)
    assert result.returncode == 2 and "sub-01" not in result.stderr
    assert (
        "the earlier scan cannot be used: has too small a field of view for a head: 256 × 256 × 24 mm" in result.stderr
    )


def test_a_real_head_is_refused_by_a_model_of_videos(lung, clinimcl, real_data):
    pair = sorted((real_data / "ixi_bids").glob("**/*T1w.nii.gz"))[:2]
    result = predicted(clinimcl, lung, *pair)
    assert result.returncode == 2
    assert "the earlier scan cannot be used: it is a volume, and the model was trained on videos" in result.stderr


def test_two_real_videos_are_answered_or_refused_in_words_and_shown(lung, clinimcl, real_data):
    pair = sorted((real_data / "covid_blues" / "lus_videos").glob("*.mp4"))[:2]
    result = predicted(clinimcl, lung, *pair, "out=real")
    assert result.returncode == 0 or "scan is out of distribution" in result.stderr, result.stderr
    model = Model(lung / "model")
    scans = given_pair(*map(str, pair), model.pipeline, model.parts.input)
    seen = np.stack([model.seen(scan.prepared) for scan in scans])
    asked = Asked(*scans, model.embed(seen))
    shown = page(model, asked, answer(model, asked))
    assert shown.count("data:image/webp") == 2 and pair[0].stem not in shown


def test_real_scans_are_answered_or_refused_in_words_on_the_page_and_gone(folder, lung, real_data, tmp_path):
    scans = sorted((real_data / "ixi_bids").glob("**/*T1w.nii.gz"))
    heads = [scans[:2], scans[2:4], scans[4:6]]
    videos = sorted((real_data / "covid_blues" / "lus_videos").glob("*.mp4"))[:2]
    for model, pairs in ((folder / "model", heads), (lung / "model", [videos])):
        with served(model, tmp_path) as client:
            for pair in pairs:
                files = {role: (path.name, path.read_bytes()) for role, path in zip(ROLES, pair, strict=True)}
                state = ended(client, files, pictures="yes")
                assert state["state"] == "done" or "scan is out of distribution" in state["said"][0], state
                assert not any(path.name.split(".")[0] in str(state) for path in pair)
        assert left(tmp_path) == []
