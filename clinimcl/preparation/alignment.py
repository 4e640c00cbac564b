"""Rigid alignment of a head to the MNI152 template, found at low resolution."""

from functools import cache
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float
from scipy import ndimage

from clinimcl.preparation import geometry

GRID = 56
FIELD_OF_VIEW = 224.0  # mm, so 4 mm a voxel: enough for the pose of a head
BEYOND_BRAIN = 12.0  # mm that stay around the brain where the face is removed


class Pose(NamedTuple):
    """Where a point p of the template, in mm from its centre, lies in the scan: rotation·p + centre."""

    rotation: Float[np.ndarray, "3 3"]
    centre: Float[np.ndarray, " 3"]  # mm from the scan's first voxel


def find_pose(
    voxels: Float[np.ndarray, "x y z"],
    spacing: tuple[float, float, float],
    fixed: Float[np.ndarray, "grid grid grid"] | None = None,
) -> Pose:
    """The rigid pose that shares most information with the template (Mattes et al. 2003, by SimpleITK).

    Or with `fixed`, another head on the same small grid. Deterministic: every voxel inside the fixed brain counts, none
    is drawn at random, and one thread adds them up, on a machine of any number of cores.
    """
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # the registration asks some of its parts for this alone
    start = geometry.head_centre(voxels, spacing)
    moving = geometry.resample(voxels, spacing, centre=start, grid=GRID, field_of_view=FIELD_OF_VIEW)
    fixed = template() if fixed is None else fixed
    registration = sitk.ImageRegistrationMethod()
    registration.SetMetricAsMattesMutualInformation(32)
    registration.SetMetricFixedMask(_image((fixed > 0.05).astype(np.float32)) > 0.5)
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-3, 150)
    registration.SetOptimizerScalesFromPhysicalShift()
    registration.SetShrinkFactorsPerLevel([2, 1])
    registration.SetSmoothingSigmasPerLevel([4.0, 2.0])
    registration.SetInitialTransform(sitk.Euler3DTransform(), inPlace=False)
    registration.SetNumberOfThreads(1)
    found = sitk.Euler3DTransform(registration.Execute(_image(fixed), _image(moving)).GetBackTransform())
    rotation = np.array(found.GetMatrix()).reshape(3, 3)
    return Pose(rotation, start + np.array(found.TransformPoint((0.0, 0.0, 0.0))))


def without_face(voxels: Float[np.ndarray, "x y z"], spacing: tuple[float, float, float]) -> Float[np.ndarray, "x y z"]:
    """What lies far from the brain is 0: face, ears and neck."""
    pose, step = find_pose(voxels, spacing), FIELD_OF_VIEW / GRID
    back = pose.rotation.T / step
    shift = (GRID - 1) / 2 - back @ pose.centre
    near = ndimage.affine_transform(
        near_brain().astype(np.float32), back * np.array(spacing), shift, output_shape=voxels.shape, order=1
    )
    return np.where(near > 0.5, voxels, 0)


@cache
def near_brain() -> Bool[np.ndarray, "x y z"]:
    """Of the template: the brain, filled, and what lies within a skull's thickness of it."""
    brain = ndimage.binary_fill_holes(template() > 0.05)
    return ndimage.distance_transform_edt(~brain) * FIELD_OF_VIEW / GRID <= BEYOND_BRAIN


@cache
def template() -> Float[np.ndarray, "x y z"]:
    """MNI152 T1 (shipped with nilearn) around its own centre, in [0, 1]."""
    from nilearn.datasets import load_mni152_template

    voxels = np.asarray(load_mni152_template(resolution=2).dataobj, np.float32)
    voxels /= voxels.max()
    centre = geometry.head_centre(voxels, (2.0, 2.0, 2.0))
    return geometry.resample(voxels, (2.0, 2.0, 2.0), centre=centre, grid=GRID, field_of_view=FIELD_OF_VIEW)


def _image(voxels: Float[np.ndarray, "x y z"]) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T))  # SimpleITK's arrays are z, y, x
    image.SetSpacing((FIELD_OF_VIEW / GRID,) * 3)
    image.SetOrigin((-FIELD_OF_VIEW / GRID * (GRID - 1) / 2,) * 3)
    return image
