"""The installed wheel, away from the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds nothing but the unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT]
    subprocess.run(build, check=True, capture_output=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder / "site"]
    subprocess.run([*pip, next(folder.glob("*.whl"))], check=True, capture_output=True)
    return folder / "site"


def run(installed, folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_the_wheel_brings_every_template_and_configuration(installed):
    brought = files_of(installed / "clinimcl")
    configurations = {Path("conf") / path for path in files_of(CHECKOUT / "conf")}
    assert {Path("evaluation/review/templates/review.html.j2"), Path("conf/exam.yaml")} <= brought
    assert brought == files_of(CHECKOUT / "clinimcl") | configurations


def test_the_wheel_trains_in_another_folder(installed, phantom, tmp_path):
    arguments = ["experiment=oasis_infonce", "debug=one_step", f"cohort.root={phantom}", "run=run"]
    tiny = ["preparation.grid=16", "encoder.channels=[8]", "engine.workers=1"]
    result = run(installed, tmp_path, "clinimcl.train", *arguments, *tiny)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_user_s_own_configurations_are_added(installed, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    text = "# @package _global_\ndefaults: [oasis_infonce]\nname: mine\nepochs: 3\n"
    (tmp_path / "mine" / "experiment" / "mine.yaml").write_text(text)
    result = run(installed, tmp_path, "clinimcl.train", "--config-dir", "mine", "experiment=mine", "--cfg", "job")
    assert result.returncode == 0, result.stderr
    assert "name: mine" in result.stdout
