"""A real server over HTTP."""

import io
import shutil
import signal
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import nibabel as nib
import numpy as np
import pytest

from clinimcl.inference.server import uploads
from clinimcl.inference.server.upload_folder import PREFIX, upload_folder
from tests.inference.asking import ended, left, served
from tests.inference.heads import head, nifti
from tests.inference.planted import damaged, planted_loop, planted_nifti, planted_slices, told
from tests.preparation.formats.dicom.test_dicom import directory
from tests.preparation.formats.dicom.test_dicom import nifti as same
from tests.preparation.formats.dicom.test_dicom import series as slices


def scans(first=1, second=2):
    return {"earlier": ("JANE.nii", nifti(head(first))), "later": ("JANE2.nii", nifti(head(second)))}


def named(earlier, later):
    """What a browser sends of a person who is named in the files and by them."""
    files = [("earlier", (f"DOE_JANE.{number}", content)) for number, content in enumerate(earlier)]
    return [*files, ("later", ("DOE_JANE 1950-01-01.nii", later))]


def begun(client):
    """All but the end of two scans' upload."""
    request = client.build_request("POST", "/pairs", files=scans())
    headers, body = request.headers, request.read()
    lines = [f"{name}: {headers[name]}" for name in ("host", "content-type", "content-length")]
    return "\r\n".join(["POST /pairs HTTP/1.1", *lines, "", ""]).encode() + body[:-100]


def test_two_scans_are_answered_and_gone_and_what_is_shown_names_nobody(serving, tmp_path):
    client = serving()
    state = ended(client, named(planted_slices(head(1), 8.0), planted_nifti(head(2), 8.0)), pictures="yes")
    assert state["state"] == "done" and state["said"][-1] == "For research, not a medical device."
    shown = {name: client.get(f"/pairs/{state['job']}/{name}").content for name in state["shown"]}
    assert b"<h1>" in shown["page.html"] and len(shown["later.nii"]) > 176**3 and "earlier.nii" in shown
    assert told(str(state), *shown.values()) == []
    assert left(tmp_path) == []


def test_the_log_and_what_is_refused_name_nobody_and_nothing_is_left(folder, tmp_path, capfd):
    slices, file = planted_slices(head(1), 8.0), planted_nifti(head(2), 8.0)
    with served(folder, tmp_path) as client:
        answered = ended(client, named(slices, file))
        pairs = [(slices[1:5] + slices[6:], file), ([planted_loop()], file), (slices, damaged(file))]
        refused = [ended(client, named(*pair)) for pair in pairs]
        refused.append(ended(client, named(slices, file)[:-1]))
        lost = client.get("/DOE_JANE.nii").text, client.post("/pairs", content=b"DOE^JANE").text
    logged = capfd.readouterr()
    assert answered["state"] == "done"
    assert "job" not in refused[3] and {state["state"] for state in refused[:3]} == {"refused"}
    assert told(str(answered), str(refused), *lost, *logged) == []
    assert left(tmp_path) == []  # onnxruntime's telemetry would leave a file


def test_slices_without_an_ending_are_the_scan_of_their_nifti(serving):
    contents = [*enumerate(slices(head(1))), ("DIR", directory())]
    files = [("earlier", (f"IM-{number}", content)) for number, content in contents]
    said = ended(serving(), [*files, ("later", ("same.nii", same(head(1))))])["said"]
    assert said == ["the earlier and the later scan are one and the same: give two scans of different days"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_header_and_its_image_are_one_scan(serving, order):
    whole = nib.Nifti1Image.from_bytes(same(head(1)))
    pair = nib.Nifti1Pair(whole.dataobj, whole.affine)
    parts = {"header": io.BytesIO(), "image": io.BytesIO()}
    pair.to_file_map({name: nib.FileHolder(fileobj=part) for name, part in parts.items()})
    files = [("earlier", (f"JANE.{'hdr' if name == 'header' else 'img'}", parts[name].getvalue())) for name in parts]
    said = ended(serving(), [*files[::order], ("later", ("same.nii", same(head(1))))])["said"]
    assert said == ["the earlier and the later scan are one and the same: give two scans of different days"]


def test_what_a_mac_lays_beside_a_file_is_no_scan(serving):
    files = [("earlier", (name, content)) for name, content in (("._a.nii", b"\0" * 5000), ("a.nii", same(head(1))))]
    said = ended(serving(), [*files, ("later", ("same.nii", same(head(1))))])["said"]
    assert said == ["the earlier and the later scan are one and the same: give two scans of different days"]


def test_nonsense_is_refused_in_a_sentence_and_gone(serving, tmp_path):
    state = ended(serving(), scans() | {"later": ("x.nii", b"hello")})
    assert state["state"] == "refused" and state["said"] == ["the later scan cannot be used: not a NIfTI file"]
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("names", "ending"),
    [(["a.hdr", "a.raw"], ".hdr"), (["a.hdr", "b.hdr"], ".hdr"), (["a.hdr"], ".hdr"), (["a.img"], ".img")]
    + [(["a.mhd", "a.raw"], ".mhd"), (["a.nhdr"], ".nhdr"), (["a.img.gz"], ".img.gz")],
)
def test_a_scan_of_two_files_is_refused_with_what_to_do(serving, tmp_path, names, ending):
    files = [("earlier", scans()["earlier"]), *(("later", (name, b"x" * 400)) for name in names)]
    told = ended(serving(), files)["refused"]
    assert told.startswith(f"the later scan must be one file, or the slices of a DICOM series, got a {ending}, ")
    assert "save it as .nii.gz" in told and "python -m clinimcl.predict" in told
    assert left(tmp_path) == []


def test_slices_may_end_with_img(serving):
    files = [("earlier", (f"{number}.img", content)) for number, content in enumerate(slices(head(1)))]
    said = ended(serving(), [*files, ("later", ("same.nii", same(head(1))))])["said"]
    assert said == ["the earlier and the later scan are one and the same: give two scans of different days"]


def test_a_format_that_is_not_read_is_told_with_what_converts_it(serving):
    said = ended(serving(), scans() | {"later": ("x.MNC", bytes(600))})["said"]
    assert said == ["the later scan cannot be used: its format is not read (MINC: mnc2nii converts it)"]


def test_a_missing_file_is_told(serving):
    assert (
        ended(serving(), {"earlier": scans()["earlier"]})["refused"] == "the later scan is missing: drop a file there"
    )


def test_too_large_an_upload_is_refused_before_it_is_stored(serving, tmp_path):
    large = {"earlier": ("a.nii", bytes(2**22)), "later": ("b.nii", bytes(100))}
    assert "at most 4 MiB together" in ended(serving(), large)["refused"]
    assert left(tmp_path) == []


def test_an_upload_that_hides_its_size_is_refused(serving, tmp_path):
    client = serving(most_bytes=1000)
    told = client.post("/pairs", content=iter([b"x" * 10_000]), headers={"Content-Type": "multipart/form-data"}).json()
    assert told["refused"] == "the size of the upload must be announced"
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text/plain", "it must be a form with two files"),
        ("multipart/form-data", "it must be a form with two files"),
        ("multipart/form-data; boundary=y", "its form is damaged"),
    ],
)
def test_what_is_no_form_is_refused(serving, tmp_path, kind, said):
    told = serving().post("/pairs", content=b"x" * 100, headers={"Content-Type": kind}).json()
    assert told["refused"] == f"the upload cannot be read: {said}"
    assert left(tmp_path) == []


def test_a_long_field_is_refused(serving):
    assert "a field has more than 1000 bytes" in ended(serving(), scans(), earlier_date="1" * 2000)["refused"]


def test_of_a_sender_who_goes_away_nothing_is_left(serving, tmp_path, capfd):
    client = serving()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as sender:
        sender.sendall(begun(client))
        while not left(tmp_path):
            time.sleep(0.01)
    while client.get("/health").json()["waiting"] or left(tmp_path):
        time.sleep(0.01)
    assert "Traceback" not in capfd.readouterr().err


def test_an_upload_that_stalls_gives_its_place_to_others(serving, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "PATIENCE", 0.3)
    client = serving(most_waiting=1)
    with socket.create_connection((client.base_url.host, client.base_url.port)) as sender:
        head = "POST /pairs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=y"
        sender.sendall(f"{head}\r\nContent-Length: 9999\r\n\r\n--y\r\n".encode())
        assert b"nothing came for 0.3 seconds" in sender.makefile("rb").read()
    assert ended(client, scans())["state"] == "done"
    assert left(tmp_path) == []


def test_what_a_killed_server_left_is_removed_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = tmp_path / f"{PREFIX}killed"
    with upload_folder() as lives:
        (lives / "scan.nii").touch()
        shutil.copytree(lives, killed)
        with upload_folder():
            assert (lives / "scan.nii").is_file() and not killed.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_server_whose_terminal_is_closed_and_that_is_interrupted_leaves_no_upload(folder, tmp_path, capfd):
    with served(folder, tmp_path, signal.SIGHUP, signal.SIGINT) as client:
        sender = socket.create_connection((client.base_url.host, client.base_url.port))
        sender.sendall(begun(client))
        while not left(tmp_path):
            time.sleep(0.01)
    sender.close()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_fifty_at_once_are_all_answered_or_refused_and_none_is_left(serving, tmp_path):
    client = serving(most_waiting=30)
    with ThreadPoolExecutor(50) as pool:
        states = list(pool.map(lambda number: ended(client, scans(number, number + 1)), range(50)))
    answered = [state for state in states if state.get("state") == "done"]
    told = [state for state in states if "pairs wait already" in state.get("refused", "")]
    assert len(answered) + len(told) == 50 and len(answered) >= 30
    assert left(tmp_path) == []
    assert client.get("/health").json()["waiting"] == 0


def test_another_machine_needs_the_token(serving):
    client = serving(token="a secret of 22 letters")
    assert client.get("/health").status_code == 403
    assert client.get("/health", headers={"Authorization": "Bearer a secret of 22 letters"}).status_code == 200
    assert client.get("/", params={"token": "a secret of 22 letters"}).status_code == 200
    assert client.get("/health").status_code == 200  # by the cookie


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_foreign_page_is_not_answered(serving, headers):
    assert serving().post("/pairs", files=scans(), headers=headers).status_code == 403


def test_every_answer_forbids_what_comes_from_elsewhere(serving):
    assert "default-src 'self'" in serving().get("/").headers["Content-Security-Policy"]


def test_an_unknown_answer_is_told(serving):
    assert serving().get("/pairs/none").status_code == 404


def test_a_decompression_bomb_is_refused_by_its_header(serving):
    import gzip

    bomb = bytearray(nifti(np.zeros((4, 4, 4), np.int16)))
    bomb[42:48] = np.array([30000, 30000, 30000], np.int16).tobytes()
    state = ended(serving(), scans() | {"later": ("x.nii.gz", gzip.compress(bytes(bomb) + bytes(2**24)))})
    assert "absurd size" in state["said"][0]
