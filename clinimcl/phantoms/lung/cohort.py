"""The lung phantom as files: clips in mp4 and one table, and a truth beside them."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
from jaxtyping import UInt8

from clinimcl.phantoms.lung.course import true_ratio
from clinimcl.phantoms.lung.member import Clip, LungMember, Visit
from clinimcl.phantoms.lung.parameters import Film, LungParameters
from clinimcl.phantoms.lung.screen import render

COLUMNS = ("subject", "session", "day", "path", "zone", "spo2", "fio2", "litres", "SF", "age", "sex", "site")


def subject_name(member: LungMember) -> str:
    return f"LUS{member.number + 1:04d}"


def clip_path(member: LungMember, visit: int, clip: int) -> str:
    """Subjects, sessions and clips are counted from 1."""
    return f"videos/{member.number + 1:04d}-{visit + 1}-{clip + 1}.mp4"


def write_member(out: Path, member: LungMember, parameters: LungParameters) -> list[dict[str, object]]:
    (out / "videos").mkdir(exist_ok=True)
    rows = []
    for number, visit in enumerate(member.visits):
        for place, clip in enumerate(visit.clips):
            path = clip_path(member, number, place)
            write_video(out / path, render(clip.thorax, clip.lung, clip.view, parameters.film), parameters.film)
            rows.append({"path": path, **_truth(member, visit, clip, parameters)})
    return rows


def write_video(path: Path, frames: UInt8[np.ndarray, "frame height width"], film: Film) -> None:
    """H.264 in grey. One thread and no look-ahead, with which the same frames gave other bytes now and then."""
    height, width = frames.shape[1:]
    picture = np.full((height * 3 // 2, width), 128, np.uint8)  # the lower third is colour, and there is none
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=film.rate)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.options = {"crf": str(film.quality), "preset": "veryfast", "tune": "zerolatency", "threads": "1"}
        for frame in frames:
            picture[:height] = np.rint(16 + frame * (219 / 255))  # video's black is 16, its white 235
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode())


def write_tables(out: Path, members: list[LungMember]) -> None:
    """scans.csv, a row a clip. `spo2` in %, `fio2` a share, `litres` a minute, `SF` = spo2 / fio2."""
    rows = [
        _row(member, number, place)
        for member in members
        for number, visit in enumerate(member.visits)
        for place in range(len(visit.clips))
    ]
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(out / "scans.csv", index=False)


def _row(member: LungMember, number: int, place: int) -> dict[str, object]:
    visit, patient = member.visits[number], member.patient
    return {
        "subject": subject_name(member),
        "session": f"visit-{number + 1}",
        "day": visit.day,
        "path": clip_path(member, number, place),
        "zone": visit.clips[place].zone,
        "spo2": visit.chart.spo2,
        "fio2": visit.chart.fio2,
        "litres": visit.chart.litres,
        "SF": visit.chart.ratio,
        "age": round(patient.age, 1),
        "sex": patient.sex,
        "site": f"site-{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[patient.site]}",
    }


def _truth(member: LungMember, visit: Visit, clip: Clip, parameters: LungParameters) -> dict[str, object]:
    """What no clinic knows. `SF` is without the hour's change and without error."""
    view, lung = clip.view, clip.lung
    return {
        "subject": subject_name(member),
        "day": visit.day,
        "zone": clip.zone,
        "course": member.stay.kind,
        "severity": visit.severity,
        "zone_severity": lung.severity,
        "SF": true_ratio(visit.severity, parameters.oxygen),
        "b_lines": len(lung.b_lines),
        "patches": len(lung.patches),
        "slide": lung.slide,
        "pleura": clip.thorax.pleura,
        "probe": view.probe,
        "depth": view.depth,
        "frequency": view.frequency,
        "gain": view.gain,
        "slope": view.slope,
        "range": view.range,
    }
