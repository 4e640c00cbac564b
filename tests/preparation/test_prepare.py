import gzip
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import av
import nibabel as nib
import numpy as np
import pandas as pd
import pydicom
import pytest

from clinimcl.errors import UserError
from clinimcl.preparation import pipeline as pipelines
from clinimcl.preparation.engines.engine import Dask, Local
from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import TooManySetAside, prepare
from clinimcl.preparation.store.store import Store

PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")


def cohort(folder, subjects=4):
    """A scan each; one voxel is 10 mm."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(subjects):
        voxels = np.random.default_rng(index).random((12, 12, 12), dtype=np.float32)
        path = folder / f"scan {index}.nii.gz"
        path.write_bytes(gzip.compress(nib.Nifti1Image(voxels, np.diag([10, 10, 10, 1])).to_bytes(), mtime=0))
        rows.append(
            {"subject": f"s{index}", "path": str(path), "mask": None, "split": "test" if index % 2 else "train"}
        )
    return pd.DataFrame(rows)


ALONE = Local(1)


def prepared(scans, folder, pipeline=PIPELINE, engine=ALONE, most=0.9):
    return prepare(scans, pipeline, Store(folder), engine, most_set_aside=most).tally


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_scan_is_prepared_once(tmp_path):
    tally = prepared(cohort(tmp_path / "raw"), tmp_path / "store")
    assert str(tally) == "4 scans: 4 prepared, 0 already there, 0 set aside"


def test_a_second_run_does_nothing(tmp_path):
    scans = cohort(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "arrays").iterdir()}
    tally = prepared(scans, tmp_path / "store")
    assert str(tally) == "4 scans: 0 prepared, 4 already there, 0 set aside"
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "arrays").iterdir()}


def test_a_changed_source_is_prepared_again(tmp_path):
    scans = cohort(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    changed = nib.Nifti1Image(np.random.default_rng(9).random((12, 12, 12), dtype=np.float32), np.diag([10, 10, 10, 1]))
    nib.save(changed, scans["path"][0])
    assert prepared(scans, tmp_path / "store") == (1, 3, 0)


def test_another_pipeline_prepares_again(tmp_path):
    scans = cohort(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    other = FieldOfView(grid=6, spacing=None, field_of_view=80.0, percentile=99.5, align="none")
    assert prepared(scans, tmp_path / "store", other) == (4, 0, 0)


def test_a_broken_scan_is_set_aside_with_its_reason(tmp_path):
    scans = cohort(tmp_path / "raw")
    with open(scans["path"][1], "r+b") as file:
        file.truncate(200)
    assert prepared(scans, tmp_path / "store") == (3, 0, 1)
    listed = pd.read_csv(tmp_path / "store" / "set_aside.csv")
    assert listed["path"].tolist() == [scans["path"][1]]
    assert "truncated" in listed["reason"][0]


@pytest.mark.parametrize(
    ("damage", "reason"), [(lambda path: path.write_bytes(b""), "empty"), (lambda path: path.unlink(), "not there")]
)
def test_empty_and_missing_files_are_set_aside(tmp_path, damage, reason):
    scans = cohort(tmp_path / "raw")
    damage(tmp_path / "raw" / "scan 1.nii.gz")
    prepared(scans, tmp_path / "store")
    assert reason in pd.read_csv(tmp_path / "store" / "set_aside.csv")["reason"][0]


def test_a_file_of_an_unknown_format_is_set_aside_with_those_that_are_known(tmp_path):
    scans = cohort(tmp_path / "raw")
    scans.loc[0, "path"] = str((tmp_path / "raw" / "scan 0.nii.gz").rename(tmp_path / "raw" / "still.xyz"))
    prepared(scans, tmp_path / "store")
    assert ".nii, .nii.gz, .hdr" in pd.read_csv(tmp_path / "store" / "set_aside.csv")["reason"][0]


def test_too_many_set_aside_stop_the_run_and_carry_the_tally(tmp_path):
    scans = cohort(tmp_path / "raw")
    for path in scans["path"][:3]:
        os.truncate(path, 0)
    with pytest.raises(TooManySetAside, match=r"3 of 4 scans cannot be used.*3 × the file is empty") as caught:
        prepared(scans, tmp_path / "store", most=0.5)
    assert str(caught.value.tally) == "4 scans: 1 prepared, 0 already there, 3 set aside"


def test_one_file_in_two_splits_stops_the_run_with_counts(tmp_path):
    scans = cohort(tmp_path / "raw")
    (tmp_path / "raw" / "scan 0.nii.gz").replace(tmp_path / "raw" / "scan 1.nii.gz")
    scans.loc[0, "path"] = scans.loc[1, "path"]
    with pytest.raises(UserError, match="1 file, equal byte for byte, is in both train and test"):
        prepared(scans, tmp_path / "store")


def test_voxels_outside_of_the_mask_are_zero(tmp_path):
    scans = cohort(tmp_path / "raw", 1)
    mask = np.zeros((12, 12, 12), np.uint8)
    mask[4:8, 4:8, 4:8] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([10, 10, 10, 1])), tmp_path / "mask.nii.gz")
    scans["mask"] = str(tmp_path / "mask.nii.gz")
    prepared(scans, tmp_path / "store")
    row = Store(tmp_path / "store").table().iloc[0]
    cube = Store(tmp_path / "store").get(row["key"], row["checksum"])
    assert 0 < (cube > 0).mean() < 0.4


def test_a_packed_store_gives_back_what_the_pipeline_prepares_in_half_of_the_bytes(tmp_path):
    scans, pipeline = cohort(tmp_path / "raw", 1), replace(PIPELINE, dtype="uint8")
    prepared(scans, tmp_path / "store", pipeline)
    store = Store(tmp_path / "store")
    row = store.table().iloc[0]
    wanted = pipeline.prepare(decode(row["path"], [Path(row["path"]).read_bytes()]))
    assert np.array_equal(store.get(row["key"], row["checksum"]), wanted)
    assert store.stored(row["key"], row["checksum"]).nbytes == wanted.size


def test_a_damaged_array_is_not_served(tmp_path):
    prepared(cohort(tmp_path / "raw", 1), tmp_path / "store")
    store = Store(tmp_path / "store")
    row = store.table().iloc[0]
    array = tmp_path / "store" / "arrays" / f"{row['key']}.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    with pytest.raises(UserError, match="missing or damaged"):
        store.get(row["key"], row["checksum"])


def test_the_names_of_arrays_tell_nothing_of_subjects(tmp_path):
    prepared(cohort(tmp_path / "raw"), tmp_path / "store")
    names = [path.stem for path in (tmp_path / "store" / "arrays").iterdir()]
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)


@pytest.mark.parametrize("engine", [Local(2), Dask(None, 2)], ids=["processes", "dask cluster"])
def test_engines_write_the_same_store(tmp_path, engine):
    scans = cohort(tmp_path / "raw")
    prepared(scans, tmp_path / "alone")
    prepared(scans, tmp_path / "engine", engine=engine)
    assert contents(tmp_path / "alone") == contents(tmp_path / "engine")


def test_an_unreachable_dask_scheduler_is_told_in_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"no Dask scheduler answers at engine.address=tcp://127.0.0.1:9"):
        prepared(cohort(tmp_path / "raw"), tmp_path / "store", engine=Dask("tcp://127.0.0.1:9", None))


KILLED = """
import sys, pandas as pd
from pathlib import Path
from clinimcl.preparation import prepare as room
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.store.store import Store
pipeline = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")
scans = pd.read_csv(sys.argv[1])
room.prepare(scans, pipeline, Store(Path(sys.argv[2])), Local(1), most_set_aside=0.9)
"""


def test_a_killed_preparation_continues_to_the_same_store(tmp_path):
    scans = cohort(tmp_path / "raw", 300)
    scans.to_csv(tmp_path / "scans.csv", index=False)
    prepared(pd.read_csv(tmp_path / "scans.csv"), tmp_path / "undisturbed")
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "scans.csv", tmp_path / "killed"])
    arrays = tmp_path / "killed" / "arrays"
    while not arrays.is_dir() or len(list(arrays.iterdir())) < 20:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "scans.parquet").exists()
    tally = prepared(pd.read_csv(tmp_path / "scans.csv"), tmp_path / "killed")
    assert tally.already_there >= 20
    assert contents(tmp_path / "killed") == contents(tmp_path / "undisturbed")


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600));" + KILLED


def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing_half_written(tmp_path):
    cohort(tmp_path / "raw").to_csv(tmp_path / "scans.csv", index=False)
    command = [sys.executable, "-c", FULL, tmp_path / "scans.csv", tmp_path / "store"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "has no space left" in result.stderr
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.stat().st_size]


def test_a_second_preparation_waits_for_the_first(tmp_path, capfd):
    store, scans = Store(tmp_path / "store"), cohort(tmp_path / "raw")
    with ThreadPoolExecutor() as pool:
        with store.preparing():
            second = pool.submit(prepared, scans, tmp_path / "store")
            time.sleep(0.5)
            assert not second.done()
        assert second.result() == (4, 0, 0)
    assert "waiting for another process" in capfd.readouterr().err


def test_an_audit_is_not_written_amid_another_preparation(tmp_path):
    store = Store(tmp_path / "store")
    with ThreadPoolExecutor() as pool:
        with store.preparing():
            written = pool.submit(store.write_audit, cohort(tmp_path / "raw"))
            time.sleep(0.2)
            assert not written.done()
        written.result()
    assert (tmp_path / "store" / "match_audit.csv").is_file()


def test_an_unwritable_store_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        prepared(cohort(tmp_path / "raw"), tmp_path / "file" / "store")


def test_a_scan_without_a_range_is_set_aside_and_ends_nothing(tmp_path):
    scans = cohort(tmp_path / "raw")
    voxels = np.full((12, 12, 12), 100_000_000, np.int32)
    voxels[0, 0, 0] += 1
    nib.save(nib.Nifti1Image(voxels, np.diag([10, 10, 10, 1])), scans["path"][1])
    assert prepared(scans, tmp_path / "store") == (3, 0, 1)


def test_an_empty_mask_sets_the_scan_aside(tmp_path):
    scans = cohort(tmp_path / "raw", 2)
    nib.save(nib.Nifti1Image(np.zeros((12, 12, 12), np.uint8), np.eye(4)), tmp_path / "mask.nii")
    scans["mask"] = [str(tmp_path / "mask.nii"), None]
    assert prepared(scans, tmp_path / "store") == (1, 0, 1)
    assert "its mask cannot be used" in pd.read_csv(tmp_path / "store" / "set_aside.csv")["reason"][0]


def series(folder):
    """Twelve slices of 12 × 12, a file each."""
    folder.mkdir()
    for index in range(12):
        header = pydicom.Dataset()
        header.SOPClassUID, header.SOPInstanceUID, header.SeriesInstanceUID = "1.2", f"1.2.{index}", "1.3"
        header.Rows = header.Columns = 12
        header.SamplesPerPixel, header.PhotometricInterpretation, header.PixelRepresentation = 1, "MONOCHROME2", 0
        header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
        header.PixelSpacing, header.ImageOrientationPatient = [10, 10], [1, 0, 0, 0, 1, 0]
        header.ImagePositionPatient = [0, 0, 10 * index]
        header.PixelData = np.random.default_rng(index).integers(0, 255, (12, 12)).astype(np.uint8).tobytes()
        header.file_meta = pydicom.dataset.FileMetaDataset()
        header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        pydicom.dcmwrite(folder / f"{index}.dcm", header, enforce_file_format=True)
    return f"{folder}/"


def test_a_folder_of_slices_is_one_scan(tmp_path):
    scans = cohort(tmp_path / "raw", 2)
    scans.loc[1, "path"] = series(tmp_path / "S1")
    assert prepared(scans, tmp_path / "store") == (2, 0, 0)
    assert prepared(scans, tmp_path / "store") == (0, 2, 0)


def test_a_lost_slice_sets_the_series_aside(tmp_path):
    scans = cohort(tmp_path / "raw", 3)
    scans.loc[1, "path"] = series(tmp_path / "S1")
    (tmp_path / "S1" / "1.dcm").write_bytes(b"")
    assert prepared(scans, tmp_path / "store") == (2, 0, 1)
    assert "not a readable DICOM file" in pd.read_csv(tmp_path / "store" / "set_aside.csv")["reason"][0]


def test_a_still_among_volumes_is_set_aside_with_the_fix(tmp_path):
    scans = cohort(tmp_path / "raw", 3)
    scans.loc[1, "path"] = str(tmp_path / "STILL.PNG")
    with av.open(scans["path"][1], "w", format="image2") as output:
        stream = output.add_stream("png", options={"update": "1"})
        stream.width, stream.height, stream.pix_fmt = 16, 16, "gray"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((16, 16), 9, np.uint8), format="gray")))
        output.mux(stream.encode())
    assert prepared(scans, tmp_path / "store") == (2, 0, 1)
    assert "preparation=clips" in pd.read_csv(tmp_path / "store" / "set_aside.csv")["reason"][0]


def test_a_file_that_was_missing_is_looked_for_again(tmp_path):
    scans = cohort(tmp_path / "raw")
    content = (tmp_path / "raw" / "scan 1.nii.gz").read_bytes()
    (tmp_path / "raw" / "scan 1.nii.gz").unlink()
    assert prepared(scans, tmp_path / "store") == (3, 0, 1)
    (tmp_path / "raw" / "scan 1.nii.gz").write_bytes(content)
    assert prepared(scans, tmp_path / "store") == (1, 3, 0)


def test_how_a_scan_lies_whose_header_does_not_say_is_the_user_s_word_and_counted(tmp_path, capsys):
    scans = cohort(tmp_path / "raw")
    silent = nib.Nifti1Image(np.random.default_rng(7).random((12, 13, 14), dtype=np.float32), None)
    silent.header["pixdim"][1:4] = 10
    nib.save(silent, scans["path"][1])
    assert prepared(scans, tmp_path / "store") == (3, 0, 1)
    told = prepare(scans, replace(PIPELINE, orientation="LAS"), Store(tmp_path / "other"), ALONE, most_set_aside=0.0)
    assert "4 × its header does not say how it lies: cohort.orientation=LAS is used" in told.summary


def test_a_mask_with_a_hole_keeps_what_is_around_it(tmp_path):
    scans = cohort(tmp_path / "raw", 1)
    mask = np.ones((12, 12, 12), np.uint8)
    mask[3:9, 3:9, 3:9] = 0
    nib.save(nib.Nifti1Image(mask, np.diag([10, 10, 10, 1])), tmp_path / "mask.nii.gz")
    scans["mask"] = str(tmp_path / "mask.nii.gz")
    assert prepared(scans, tmp_path / "store") == (1, 0, 0)


@pytest.mark.parametrize("pattern", ["{root}/mask.hdr", "{root}/mask.mgz"])
def test_a_mask_may_be_of_any_volume_format(tmp_path, pattern):
    affine = np.diag([10.0, 10.0, 10.0, 1.0])
    affine[:3, 3] = -55
    mask = np.zeros((12, 12, 12), np.uint8)
    mask[4:8, 4:8, 4:8] = 1
    path = pattern.format(root=tmp_path)
    nib.save((nib.Nifti1Pair if path.endswith("hdr") else nib.MGHImage)(mask, affine), path)
    voxels = np.random.default_rng(0).random((12, 12, 12), dtype=np.float32)
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "x.nii")
    scans = pd.DataFrame([{"subject": "s", "path": str(tmp_path / "x.nii"), "mask": path, "split": "train"}])
    assert prepared(scans, tmp_path / "store") == (1, 0, 0)
    row = Store(tmp_path / "store").table().iloc[0]
    assert 0 < (Store(tmp_path / "store").get(row["key"], row["checksum"]) > 0).mean() < 0.4


def partly_placed(folder):
    """The affine of two scans turns no axis and begins at 0, 0, 0; the other two lie around the origin."""
    scans = cohort(folder)
    for path in scans["path"][2:]:
        affine = np.diag([10.0, 10, 10, 1])
        affine[:3, 3] = -50
        nib.save(nib.Nifti1Image(np.asarray(nib.load(path).dataobj), affine), path)
    return scans


def test_how_scans_were_read_is_counted_with_the_tally_whenever_it_is_told(tmp_path):
    scans = partly_placed(tmp_path / "raw")
    for tally in ("4 prepared, 0 already there", "0 prepared, 4 already there"):
        found = prepare(scans, PIPELINE, Store(tmp_path / "store"), ALONE, most_set_aside=0.0)
        first, second = found.summary.splitlines()
        assert tally in first and second.startswith("  2 × its affine turns no axis")


def test_a_scan_whose_array_is_there_keeps_its_remark(tmp_path):
    scans = partly_placed(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    os.utime(scans["path"][0], (1, 1))
    found = prepare(scans, PIPELINE, Store(tmp_path / "store"), ALONE, most_set_aside=0.0)
    assert found.scans["remark"].str.startswith("its affine").tolist() == [True, True, False, False]


def test_a_store_of_earlier_rules_is_prepared_again_and_says_why(tmp_path, monkeypatch, capsys):
    scans = cohort(tmp_path / "raw")
    with monkeypatch.context() as earlier:
        earlier.setattr(pipelines, "VERSION", pipelines.VERSION - 1)
        prepared(scans, tmp_path / "store")
    assert prepared(scans, tmp_path / "store") == (4, 0, 0)
    assert "4 scans are prepared again by newer rules: what files say" in capsys.readouterr().err


def test_a_table_of_before_there_were_remarks_is_still_known(tmp_path):
    scans = cohort(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    table = pd.read_parquet(tmp_path / "store" / "scans.parquet").drop(columns="remark")
    table.to_parquet(tmp_path / "store" / "scans.parquet")
    assert prepared(scans, tmp_path / "store") == (0, 4, 0)


def test_an_array_without_its_record_gets_its_remark_again(tmp_path):
    scans = partly_placed(tmp_path / "raw")
    prepared(scans, tmp_path / "store")
    (tmp_path / "store" / "scans.parquet").unlink()  # as a kill between the two leaves it
    found = prepare(scans, PIPELINE, Store(tmp_path / "store"), ALONE, most_set_aside=0.0)
    assert found.tally == (0, 4, 0)
    assert found.scans["remark"].str.startswith("its affine").tolist() == [True, True, False, False]
