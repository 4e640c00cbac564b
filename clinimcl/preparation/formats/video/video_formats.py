"""What a file with the name of a video or a still is, where it is of a format that is not read."""

from clinimcl.preparation.formats.volumes import PAGE

MATROSKA = "is a Matroska or WebM film: ffmpeg -i IN -c copy OUT.mp4 makes one that is read, or without -c copy"
WINDOWS = "is a Windows Media film: ffmpeg -i IN OUT.mp4 converts it"
TIFF = "is a TIFF picture: save it as PNG"
JPEG_2000 = "is a JPEG 2000 picture: save it as PNG"
HEIF = "is a HEIF picture (HEIC, AVIF), as telephones take them: save it as JPEG or PNG"
OTHERS = {  # by their first bytes
    b"\x1a\x45\xdf\xa3": MATROSKA,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": WINDOWS,
    b"FLV\x01": "is a Flash film: ffmpeg -i IN -c copy OUT.mp4 makes one that is read, or without -c copy",
    b"OggS": "is an Ogg film: ffmpeg -i IN OUT.mp4 converts it",
    b"\0\0\0\x0cjP  ": JPEG_2000,
    b"\xff\x4f\xff\x51": JPEG_2000,
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"BM": "is a BMP picture: save it as PNG",
    b"#EXTM3U": "is a playlist, which names other files: ffmpeg -i IN -c copy OUT.mp4 puts them into one",
    b"PK\x03\x04": "is a zip archive: unpack it",
    b"\x1f\x8b": "is gzipped: gunzip it",
    b"\x89HDF": "is an HDF5 file: save its frames as PNG or MP4",
}
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")


def other_format(content: bytes) -> str:
    """The rest of a sentence, with what converts it; "" where nothing is known against it."""
    if content[:512].lstrip()[:20].lower().startswith(PAGE):
        return "is a web page or a server's answer, not a video: its download failed, fetch it again"
    if content[128:132] == b"DICM":
        return "is a DICOM file by another name: let its name end with .dcm"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "is a WebP picture: save it as PNG"
    if content[4:8] == b"ftyp" and content[8:12] in HEIF_BRANDS:
        return HEIF
    return next((what for first, what in OTHERS.items() if content.startswith(first)), "")
