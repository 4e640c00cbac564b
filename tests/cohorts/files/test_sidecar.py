import pandas as pd
import pytest

from clinimcl.cohorts.files.sidecar import scanners
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.storage.tree import explore

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n"


@pytest.mark.parametrize("scan", ["a/x.nii.gz", "a/x.nii", "a/x.hdr", "x.NII"])
def test_the_json_of_a_scans_name_tells_its_scanner(tmp_path, scan):
    (tmp_path / "a").mkdir()
    (tmp_path / scan).with_name("x.json").write_text('{"ManufacturersModelName": "Prisma", "StationName": "7"}')
    found = scanners(explore(str(tmp_path), ""), pd.Series([scan]), Remarks())
    assert found["scanner"].tolist() == ["Prisma 7"]


@pytest.mark.parametrize(
    ("content", "why"), [(LFS, "each is a pointer of Git LFS"), ("{", "each is no JSON"), ("[1]", "no JSON object")]
)
def test_a_json_that_tells_nothing_is_counted(tmp_path, content, why):
    for name in ("x", "y"):
        (tmp_path / f"{name}.json").write_text(content)
    remarks = Remarks()
    found = scanners(explore(str(tmp_path), ""), pd.Series(["x.nii", "y.nii", "z.nii"]), remarks)
    assert found["scanner"].isna().all()
    [sentence] = remarks.sentences()
    assert sentence.startswith("2 JSON files beside scans tell no scanner") and why in sentence


def test_a_json_that_was_not_fetched_is_counted(tmp_path):
    (tmp_path / "x.json").symlink_to(".git/annex/objects/a/b")
    remarks = Remarks()
    scanners(explore(str(tmp_path), ""), pd.Series(["x.nii"]), remarks)
    assert "each is a link of git-annex" in remarks.sentences()[0]
