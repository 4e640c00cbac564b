import re

from clinimcl.cohorts.files.unread import count_unread, told_unread
from clinimcl.cohorts.tables.remarks import Remarks


def test_scans_in_other_formats_are_counted_by_format():
    files = ["a/1_T1w.MKV", "a/2_T1w.mkv", "a/3_T1w.mnc.gz", "a/4_T1w.nii.gz", "a/5_T2w.mkv", "T1w.txt"]
    remarks = Remarks()
    count_unread(files, re.compile("_T1w$"), remarks)
    assert [remark.split(" (")[0] for remark in remarks.sentences()] == [
        "2 scans end with .mkv, which is not read",
        "1 scans end with .mnc.gz, which is not read",
    ]
    assert "ffmpeg -i IN" in remarks.sentences()[0] and "mnc2nii" in remarks.sentences()[1]


def test_who_has_no_scan_is_told_the_commonest_formats_alone():
    files = ["a.zip", "b.zip", "1.mkv", "2.mkv", "3.mkv", "x.bmp", "y.bmp", "z.par", "z.nii.gz", "notes"]
    told = told_unread(files)
    assert told.startswith("Of what is not read, 3 files end with .mkv (Matroska's: `ffmpeg")
    assert "2 files end with .zip (an archive: unpack it)" in told and ".par" not in told
    assert told_unread(["a.nii.gz", "participants.tsv"]) == ""
