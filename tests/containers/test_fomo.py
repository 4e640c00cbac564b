"""The container's command as an engine would start it, and that what it is built of is there.

No image is built here: that needs an engine and a network.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from clinimcl.errors import UserError
from clinimcl.inference.model import Model
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.runs.scan_embedding import embed_scan, write_embedding
from tests.end_to_end.base_install import base_install
from tests.inference.heads import head, nifti

ROOT = Path(__file__).parents[2]
FOMO = ROOT / "containers" / "fomo"
WATCHED = """
import os, runpy, sys

allowed = (sys.argv.pop(1), "/dev/")
del sys.argv[0]

def refuse(what):
    print(what, file=sys.stderr, flush=True)
    os._exit(3)

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.bind"):  # urllib3 tries ::1
        refuse(f"network: {event}")
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (writes or event == "os.mkdir") and not str(arguments[0]).startswith(allowed):
        refuse(f"written: {arguments[0]}")

sys.addaudithook(watch)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def scan(tmp_path):
    (tmp_path / "input").mkdir()
    path = tmp_path / "input" / "scan.nii"
    path.write_bytes(nifti(head(100)))
    return path


def started(*command):
    """In an environment that is nearly empty."""
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/nowhere"}
    whole = [sys.executable, *command]
    return subprocess.run(whole, capture_output=True, text=True, check=False, cwd="/", env=environment)


def asked(model, scan, output):
    return [FOMO / "predict.py", "--input", scan, "--output", output, "--model", model]


def test_a_scan_becomes_a_float32_vector_that_the_model_s_encoder_gives(folder, scan, tmp_path):
    (tmp_path / "out").mkdir()
    result = started(*asked(folder, scan, tmp_path / "out" / "emb.npy"))
    assert result.returncode == 0, result.stderr
    vector, model = np.load(tmp_path / "out" / "emb.npy"), Model(folder)
    assert (vector.dtype, vector.ndim) == (np.dtype("float32"), 1)
    prepared = model.pipeline.prepare(read_nifti(nifti(head(100))))
    np.testing.assert_array_equal(vector, model.embed(model.seen(prepared)[None]).change[0])


def test_nothing_is_written_but_the_output_and_no_network_is_used(folder, scan, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    result = started("-c", WATCHED, out, *asked(folder, scan, out / "emb.npy"))
    assert (result.returncode, result.stderr) == (0, "")
    assert os.listdir(out) == ["emb.npy"]
    assert os.listdir(tmp_path / "input") == ["scan.nii"]


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        ("open('/tmp/x', 'w')", "written: /tmp/x"),
        ("import os; os.mkdir('/tmp/x')", "written: /tmp/x"),
        ("import socket; socket.gethostbyname('localhost')", "network: socket.gethostbyname"),
    ],
)
def test_the_watch_sees_what_is_written_and_sent(wrong, seen, tmp_path):
    (tmp_path / "wrong.py").write_text(wrong)
    result = started("-c", WATCHED, "/out", tmp_path / "wrong.py")
    assert (result.returncode, result.stderr.strip()) == (3, seen)


def test_the_base_install_is_enough(folder, scan, tmp_path):
    python = base_install(tmp_path / "venv")
    command = [python, *asked(folder, scan, tmp_path / "emb.npy")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={})
    assert result.returncode == 0, result.stderr
    assert np.load(tmp_path / "emb.npy").shape == (6,)


def test_a_scan_unlike_the_training_s_is_embedded_with_a_flag(folder, tmp_path):
    (tmp_path / "noise.nii").write_bytes(nifti(np.random.default_rng(0).integers(0, 900, (20,) * 3).astype(np.int16)))
    found = embed_scan(folder, str(tmp_path / "noise.nii"))
    assert found.vector.shape == (6,)
    assert any("unlike the scans that trained" in flag for flag in found.flags)


WRONG = {
    "the input scan is not there": "missing.nii",
    "the input scan cannot be used": "text.nii.gz",
    "its name tells no format that is read": "scan.xyz",
    "it is a video or a still": "clip.mp4",
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_no_scan_gets_a_sentence_and_leaves_no_output(folder, said, tmp_path):
    for name in WRONG.values():
        if name != "missing.nii":
            (tmp_path / name).write_text("JANE DOE")
    output = tmp_path / "emb.npy"
    output.write_text("of another scan")
    with pytest.raises(UserError, match=said) as refused:
        write_embedding(folder, str(tmp_path / WRONG[said]), output)
    assert "JANE" not in str(refused.value)
    assert not output.exists()


def test_slices_that_are_too_thick_and_four_dimensions_are_refused(folder, tmp_path):
    (tmp_path / "thick.nii").write_bytes(nifti(head(100), spacing=50.0))
    (tmp_path / "four.nii").write_bytes(nifti(np.stack([head(100), head(101)], axis=3)))
    for name, said in {"thick.nii": "50 mm apart", "four.nii": "cannot be used"}.items():
        with pytest.raises(UserError, match=said):
            embed_scan(folder, str(tmp_path / name))


def test_a_mistake_is_told_in_one_line_with_exit_code_2(folder, scan, tmp_path):
    result = started(*asked(tmp_path / "nowhere", scan, tmp_path / "emb.npy"))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert f"--model {tmp_path / 'nowhere'} must be the folder of an exported model" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"), [("no/emb.npy", "the folder of --output is not there"), ("emb.txt", "must end with .npy")]
)
def test_an_output_in_no_folder_or_of_another_ending_is_refused(folder, scan, tmp_path, name, said):
    result = started(*asked(folder, scan, tmp_path / name))
    assert result.returncode == 2 and said in result.stderr
    assert not (tmp_path / name).exists()


def test_a_changed_model_is_refused(folder, scan, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    with (tmp_path / "model" / "encoder.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="damaged or was changed"):
        embed_scan(tmp_path / "model", str(scan))


def test_the_input_is_not_overwritten(folder, scan):
    with pytest.raises(UserError, match="another file than the input"):
        write_embedding(folder, str(scan), scan)
    assert scan.exists()


def test_an_output_that_is_a_folder_is_refused(folder, scan, tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        write_embedding(folder, str(scan), tmp_path)


def copied():
    """What the Containerfile takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (FOMO / "Containerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_what_the_container_copies_can_be_installed(tmp_path):
    for source in copied():
        made, path = (tmp_path / source), ROOT / source
        made.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, made)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", tmp_path]
    subprocess.run(build, check=True, capture_output=True)
    assert list((tmp_path / "dist").glob("clinimcl-*.whl"))


def test_both_definitions_take_the_same_files_and_hide_all_else():
    apptainer = (FOMO / "Apptainer.def").read_text()
    files = re.search(r"%files\n(.*?)\n\n", apptainer, re.DOTALL)[1]
    taken = [line.split()[0] for line in files.splitlines() if "MODEL" not in line]
    assert sorted(taken) == sorted(copied())
    ignored = (FOMO / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(copied())


def test_the_container_runs_as_nobody_and_only_predicts():
    text = (FOMO / "Containerfile").read_text()
    assert re.search(r"^USER (\d+):\d+$", text, re.MULTILINE)[1] != "0"
    assert yaml.safe_load(re.search(r"^ENTRYPOINT (.+)$", text, re.MULTILINE)[1]) == ["python", "/app/predict.py"]
