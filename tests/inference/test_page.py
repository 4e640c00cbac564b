import re

import nibabel as nib
import numpy as np
import pytest

from clinimcl.inference.input_scans import given_pair
from clinimcl.inference.page import page, shown_volumes, viewable
from clinimcl.inference.prediction import answer, ask
from tests.inference.heads import head, nifti


@pytest.fixture(scope="module")
def asked(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    paths = [folder / "JANE.nii", folder / "JANE_later.nii"]
    for seed, path in enumerate(paths, start=1):
        path.write_bytes(nifti(head(seed)))
    return ask(model, *given_pair(*map(str, paths), model.pipeline, model.parts.input))


@pytest.fixture(scope="module")
def shown(model, asked):
    return page(model, asked, answer(model, asked))


def test_the_page_says_the_answer_and_that_it_is_for_research(model, asked, shown):
    assert f"<h1>{answer(model, asked).answered.capitalize()}</h1>" in shown
    assert shown.count("For research, not a medical device.") == 2
    assert "generated phantoms, and nothing of people" in shown


def test_the_page_needs_nothing_beside_it(shown):
    assert not re.search(r'(src|href)="(?!data:)', shown)
    assert shown.count("data:image/png;base64") == 12  # two scans, a difference and an effect in three planes
    assert "default-src 'none'" in shown


def test_the_page_names_no_file(shown):
    assert "JANE" not in shown


def test_what_a_flag_says_is_escaped(model, asked):
    found = answer(model, asked)._replace(flags=["<script>alert(1)</script>"])
    assert "<script>alert" not in page(model, asked, found) and "&lt;script&gt;" in page(model, asked, found)


def test_volumes_for_the_viewer_hold_geometry_alone(model, asked):
    volumes = viewable(shown_volumes(model, asked))
    image = nib.Nifti1Image.from_bytes(volumes["later.nii"])
    assert set(volumes) == {"earlier.nii", "later.nii"}
    assert image.header["descrip"].item() == b"" and not image.header.extensions
    assert np.allclose(image.affine @ [87.5, 87.5, 87.5, 1], [0, 0, 0, 1], atol=0.1)
