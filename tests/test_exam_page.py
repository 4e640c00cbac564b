"""The commands of docs/exam.md are ones that there are."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from clinimcl.config.building import settings
from clinimcl.config.settings import EmbedSettings, ExamSettings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "exam.md").read_text()
COMMANDS = re.findall(r"^python -m clinimcl\.(embed|exam) (.+)$", PAGE, re.MULTILINE)
ROOTS = {"embed": EmbedSettings, "exam": ExamSettings}


@pytest.mark.parametrize(("command", "arguments"), COMMANDS)
def test_each_command_fits_its_settings(command, arguments):
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        node = OmegaConf.to_container(compose(command, shlex.split(arguments)), resolve=True)
    found = settings(ROOTS[command], node)
    assert "run=RUN" not in arguments or found.run == "RUN"


def test_there_are_commands():
    assert {command for command, _ in COMMANDS} == {"embed", "exam"}


def test_its_files_are_there():
    named = set(re.findall(r"`((?:containers|tests)/[\w./]+)", PAGE))
    assert len(named) == 4
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_docker_s_commands_are_those_of_the_containerfile():
    text = (ROOT / "containers/fomo/Containerfile").read_text()
    told = [line.lstrip("# ").rstrip() for line in text.splitlines() if line.startswith("# ")]
    commands = re.search(r"```\n(docker build.*?)```", PAGE, re.DOTALL)[1]
    assert [line.strip() for line in commands.splitlines()] == [
        line for line in told if "clinimcl-fomo" in line or "docker" in line
    ]
