"""The tools that write: whether each is there, which version it is, and how it is run."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from functools import cache

PACKAGES = {  # what each is called where it is installed: by a distribution first, then from PyPI
    "dcm2niix": "dcm2niix",
    "dcmtk": "dcmtk",
    "ffmpeg": "ffmpeg",
    "gdcm": "libgdcm-tools",
    "mrtrix3": "mrtrix3",
    "nifticlib": "nifti-bin",
    "plastimatch": "plastimatch",
    "ants": "antspyx",
    "highdicom": "highdicom",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "nibabel": "nibabel",
    "nrrd": "pynrrd",
    "PIL": "pillow",
    "pydicom": "pydicom",
    "SimpleITK": "SimpleITK",
    "surfa": "surfa",
}
COMMANDS = {  # that tell a version
    "dcm2niix": ("dcm2niix", "-v"),
    "dcmtk": ("dcmconv", "--version"),
    "ffmpeg": ("ffmpeg", "-version"),
    "gdcm": ("gdcmconv", "--version"),
    "mrtrix3": ("mrconvert", "-version"),
    "nifticlib": ("nifti_tool", "-nifti_ver"),
    "plastimatch": ("plastimatch", "--version"),
}


@cache
def is_there(tool: str) -> bool:
    if tool in COMMANDS:
        return shutil.which(COMMANDS[tool][0]) is not None
    return importlib.util.find_spec(tool) is not None


@cache
def titled(tool: str) -> str:
    """The tool with its version, where it is there."""
    if not is_there(tool):
        return tool
    if tool not in COMMANDS:
        return f"{PACKAGES[tool]} {importlib.metadata.version(PACKAGES[tool])}"
    told = subprocess.run(COMMANDS[tool], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+[\w.]*", told.stdout + told.stderr)
    return f"{tool} {number.group()}" if number else tool


def run(*command: object) -> None:
    """Raises: subprocess.CalledProcessError, with what the tool says in `stderr`."""
    subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)


def ffmpeg(*arguments: object) -> None:
    """That of the machine."""
    run("ffmpeg", "-nostdin", "-loglevel", "error", "-y", *arguments)


def newer_ffmpeg(*arguments: object) -> None:
    """The one of imageio-ffmpeg: it writes a display matrix, which version 5 does not."""
    import imageio_ffmpeg

    run(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments)
