import pytest

from clinimcl.cohorts.files.endings import stem_of


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a_T1w.nii.gz", "a_T1w"), ("a.nii", "a"), ("brain.mgz", "brain"), ("mpr-1.nifti.hdr", "mpr-1.nifti")]
    + [("A.IMG", "A"), ("a.img.gz", "a"), ("a.nrrd", "a"), ("a.pt", "a"), ("a.mp4", "a.mp4")],
)
def test_a_stem_is_the_name_without_its_ending(name, stem):
    assert stem_of(name) == stem
