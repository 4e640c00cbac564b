import io

import pytest
from PIL import Image

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.video import decode_video


def picture(kind):
    written = io.BytesIO()
    Image.new("L", (32, 32), 90).save(written, kind)
    return written.getvalue()


OTHERS = {
    "Matroska": b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska",
    "Windows Media": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
    "Flash": b"FLV\x01\x01\0\0\0\x09",
    "HEIF": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "WebP": picture("WEBP"),
    "TIFF": picture("TIFF"),
    "BMP": picture("BMP"),
    "JPEG 2000": picture("JPEG2000"),
    "playlist": b"#EXTM3U\n#EXTINF:4,\npart.ts\n",
    "DICOM": b"\0" * 128 + b"DICM",
    "web page": b"\n<!DOCTYPE html><html></html>",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_named_with_what_converts_it(name):
    with pytest.raises(UnusableScan, match=rf"^is (a|an) {name}.*: (ffmpeg|save|let|its download)"):
        decode_video(OTHERS[name])
