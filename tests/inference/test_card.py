import json
import re
import shutil
import subprocess

import pytest

from clinimcl.errors import UserError
from clinimcl.inference.card import SUMS, read_card, write_sums


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copied")


def test_a_whole_folder_is_read(folder):
    assert read_card(folder).name == "tiny"


def test_the_sums_are_those_of_sha256sum(folder):
    assert subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["encoder.onnx", "card.json", "references.npz", "selftest.npz"])
def test_a_flipped_bit_is_told(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} (is damaged|cannot be read)|card.json"):
        read_card(copied)


@pytest.mark.parametrize("name", ["classifier.onnx", "card.json", SUMS])
def test_a_missing_file_is_told(copied, name):
    (copied / name).unlink()
    with pytest.raises(UserError, match=name):
        read_card(copied)


def changed(copied, **values):
    card = json.loads((copied / "card.json").read_text()) | values
    (copied / "card.json").write_text(json.dumps(card))
    (copied / SUMS).unlink()
    write_sums(copied)


def test_a_card_of_a_newer_version_is_told(copied):
    changed(copied, format=99)
    with pytest.raises(UserError, match=re.escape("has format 99, this version of clinimcl reads up to 2")):
        read_card(copied)


def test_a_card_names_no_file_outside_of_its_folder(copied):
    with (copied / SUMS).open("a") as file:
        file.write(f"{'0' * 64}  ../secret\n")
    with pytest.raises(UserError, match="incomplete"):
        read_card(copied)


def test_a_card_cannot_name_any_class(copied):
    card = json.loads((copied / "card.json").read_text())
    changed(copied, input=card["input"] | {"preparation": {"_target_": "os.system", "command": "true"}})
    with pytest.raises(UserError, match="not on the list of classes"):
        read_card(copied).typed()
