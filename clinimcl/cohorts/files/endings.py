"""The endings by which scans are known."""

NIFTI = (".nii", ".nii.gz")
PAIRS = (".hdr", ".img", ".hdr.gz", ".img.gz")  # the path of a scan is that of either half
FREESURFER = (".mgz", ".mgh", ".mgh.gz")
NRRD = (".nrrd", ".nhdr")
METAIMAGE = (".mha", ".mhd")
TENSOR = ".pt"
VOLUMES = (*NIFTI, *PAIRS, *FREESURFER, *NRRD, *METAIMAGE)
HEADERS = (".nhdr", ".mhd")  # of volumes whose voxels lie in a file of their own

FILM = "`ffmpeg -i IN -c copy OUT.mp4` converts it, or without `-c copy`"
PICTURE = "a picture's: ImageMagick or Pillow saves it as .png"
CONVERTERS = {  # of formats that are not read
    ".mkv": f"Matroska's: {FILM}",
    ".webm": f"WebM's: {FILM}",
    ".ts": f"a transport stream's: {FILM}",
    ".mts": f"a transport stream's: {FILM}",
    ".m2ts": f"a transport stream's: {FILM}",
    ".vob": f"a DVD's: {FILM}",
    ".wmv": f"Windows Media's: {FILM}",
    ".asf": f"Windows Media's: {FILM}",
    ".flv": f"Flash's: {FILM}",
    ".ogv": f"Ogg's: {FILM}",
    ".3gp": f"a telephone's: {FILM}",
    ".mxf": f"MXF's: {FILM}",
    ".264": f"a bare stream of H.264: {FILM}",
    ".h264": f"a bare stream of H.264: {FILM}",
    ".265": f"a bare stream of H.265: {FILM}",
    ".h265": f"a bare stream of H.265: {FILM}",
    ".hevc": f"a bare stream of H.265: {FILM}",
    ".bmp": PICTURE,
    ".webp": f"{PICTURE}; a moving one, as .gif",
    ".jp2": PICTURE,
    ".ppm": PICTURE,
    ".pgm": PICTURE,
    ".heic": PICTURE,
    ".avif": PICTURE,
    ".tif": f"{PICTURE}, or SimpleITK a stack of slices as .nii.gz with the spacing that you set",
    ".tiff": f"{PICTURE}, or SimpleITK a stack of slices as .nii.gz with the spacing that you set",
    ".mnc": "MINC: mnc2nii converts it",
    ".mnc.gz": "MINC: mnc2nii converts it",
    ".par": "Philips PAR/REC: dcm2niix converts it",
    ".rec": "Philips PAR/REC: dcm2niix converts it",
    ".xml.rec": "Philips XML/REC: dcm2niix converts it",
    ".head": "AFNI's: 3dAFNItoNIFTI converts it",
    ".brik": "AFNI's: 3dAFNItoNIFTI converts it",
    ".brik.gz": "AFNI's: 3dAFNItoNIFTI converts it",
    ".mif": "MRtrix's: mrconvert converts it to .nii.gz",
    ".mif.gz": "MRtrix's: mrconvert converts it to .nii.gz",
    ".mih": "MRtrix's: mrconvert converts it to .nii.gz",
    ".v": "ECAT's: nibabel (nibabel.ecat) reads it, and saves it as .nii.gz",
    ".vmr": "BrainVoyager's: its own export writes .nii",
    ".bfloat": "FreeSurfer's old one: mri_convert converts it",
    ".bshort": "FreeSurfer's old one: mri_convert converts it",
    ".ima": "Siemens's: dcm2niix converts it",
    ".fdf": "Varian's: mri_convert or fdf2nii converts it",
    ".2dseq": "Bruker's: brkraw or bruker2nifti converts it",
    ".ge": "GE's: dcm2niix converts it",
    ".gipl": "GIPL: SimpleITK reads it, and writes it as .nii.gz",
    ".vtk": "VTK's: SimpleITK reads images of it, and writes them as .nii.gz",
    ".npy": "an array without a header: nibabel saves it as .nii.gz with the affine that you know",
    ".npz": "an array without a header: nibabel saves it as .nii.gz with the affine that you know",
    ".mat": "MATLAB's: niftiwrite saves the array as .nii with the affine that you know",
    ".h5": "HDF5: nibabel saves its array as .nii.gz with the affine that you know",
    ".hdf5": "HDF5: nibabel saves its array as .nii.gz with the affine that you know",
    ".gii": "a surface's, not a volume's",
    ".zip": "an archive: unpack it",
    ".tar": "an archive: unpack it",
    ".tar.gz": "an archive: unpack it",
    ".tgz": "an archive: unpack it",
    ".7z": "an archive: unpack it",
    ".rar": "an archive: unpack it",
    ".nii.bz2": "compressed by bzip2: bunzip2 unpacks it",
    ".nii.xz": "compressed by xz: unxz unpacks it",
    ".nii.zst": "compressed by Zstandard: zstd -d unpacks it",
    ".nii.zip": "a zip archive: unpack it",
}


def is_series(path: str) -> bool:
    """Whether the scan is a folder of DICOM slices."""
    return path.endswith("/")


def unread_ending(path: str) -> str:
    """Of a format that is known and not read; "" of others."""
    name = path.lower()
    return max((ending for ending in CONVERTERS if name.endswith(ending)), key=len, default="")


def converter_of(path: str) -> str:
    """Of a format that is known and not read: whose it is, and what converts it; "" of others."""
    return CONVERTERS.get(unread_ending(path), "")


def stem_of(name: str) -> str:
    """A scan's file name without its ending."""
    known = [ending for ending in (*VOLUMES, TENSOR) if name.lower().endswith(ending)]
    return name[: -len(max(known, key=len))] if known else name
