import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from clinimcl.preparation import alignment

SPACING = (4.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def head():
    noise = np.random.default_rng(0).normal(scale=0.02, size=(56, 56, 56))
    turned = ndimage.rotate(alignment.template(), 8, reshape=False, order=1)
    return np.abs(ndimage.shift(turned, (1, -2, 0.5), order=1) + noise).astype(np.float32)


@pytest.fixture
def threads():
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    yield sitk.ProcessObject.SetGlobalDefaultNumberOfThreads
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def test_the_pose_is_the_same_to_the_last_bit_on_any_number_of_threads(head, threads):
    poses = []
    for number in (1, 3, 8, 16):
        threads(number)
        poses.append(alignment.find_pose(head, SPACING))
    assert len({pose.rotation.tobytes() + pose.centre.tobytes() for pose in poses}) == 1


def test_the_pose_undoes_the_turn(head):
    turn = alignment.find_pose(head, SPACING).rotation
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(8, abs=0.7)
