import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import Evaluation, evaluate
from clinimcl.evaluation.report.report import RunRecord, write_report

SCANS = pd.DataFrame(
    [
        {"subject": f"OAS{subject}", "session": f"d{visit}", "day": 500.0 * visit, "split": split, "scanner": None}
        for split, subjects in (("train", range(4)), ("test", range(4, 8)))
        for subject in subjects
        for visit in range(2)
    ]
)


def given() -> Embedded:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(8, 6)), 2, axis=0)
    return Embedded(SCANS, {3: vectors}, best=3, raw=vectors[8:], validation_losses=np.array([0.1, 0.4]))


RECORD = RunRecord(
    title="A & <b>",
    curves=pd.DataFrame({"epoch": [1, 2], "step": [5, 10], "train/loss": [3.0, 2.0]}),
    chances={"train/loss": float(np.log(8))},
    remarks=["Pretrained weights: 3 tensors matched."],
    counts=[("test", 8, 24)],
    cohort_remarks=[],
    scan_remarks={},
    set_aside=pd.DataFrame(
        {"subject": ["OAS9"], "path": ["/secret/OAS9/a.nii.gz"], "reason": ["/secret/OAS9/a.nii.gz is <cut> short"]}
    ),
    audit={"scans matched": 7.0},
    speed={"seconds a step": 0.11},
    configuration="seed: 0\nname: '</pre><script>alert(1)</script>'",
    phantom_digest="a1b2",
    versions={"clinimcl": "0.1.0"},
    volumes={},
)


@cache
def evaluation() -> Evaluation:
    return evaluate(given(), seed=0)


def html(folder: Path, record: RunRecord = RECORD) -> str:
    write_report(given(), evaluation(), record, folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def own_part(text: str) -> str:
    """The report without plotly.js and pictures."""
    return re.sub(r'data:image/png;base64,[^"]+', "data:", re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its report, which takes a second or two to draw."""
    folder = tmp_path_factory.mktemp("run")
    html(folder)
    return folder


def read(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


def test_report_asks_nothing_of_the_network(run: Path):
    text = read(run)
    assert not re.search(r'(src|href)="(?!data:)', own_part(text))
    assert "default-src 'none'" in text


def test_no_id_or_path_is_in_the_report(run: Path):
    text = read(run)
    assert "OAS" not in own_part(text)
    assert "secret" not in text
    assert not re.search(r"OAS\d", text)


def test_text_is_escaped(run: Path):
    text = own_part(read(run))
    assert "A &amp; &lt;b&gt;" in text
    assert "the file is &lt;cut&gt; short" in text
    assert "alert(1)</" not in text


def test_every_metric_is_printed_with_interval_and_chance(run: Path):
    text = read(run)
    for name in evaluation().metrics:
        assert f"<code>{name}</code>" in text
    assert "0.143" in text  # chance: 1 other session of the subject and 6 scans of others


def test_reasons_of_absent_metrics_are_printed(run: Path):
    assert "no realigned voxels of test scans were given" in read(run)


def test_figures_stand_beside_the_report(run: Path):
    text = read(run)
    written = {path.stem for path in (run / "figures").iterdir()}
    assert written == {"trajectories", "trajectories_epochs", "retrieval", "gaps", "epochs", "curves"}
    assert text.count('<img src="data:image/png;base64,') == len(written)


def test_scans_are_shown_only_when_given(tmp_path: Path):
    volumes = {row: np.random.default_rng(row).uniform(size=(8, 8, 8)).astype(np.float32) for row in (8, 9)}
    text = html(tmp_path, RECORD._replace(volumes=volumes))
    assert (tmp_path / "figures" / "mosaic.png").exists()
    assert (tmp_path / "figures" / "pairs.png").exists()
    assert "The first and the last session of a subject" in text


def test_same_inputs_give_the_same_report(run: Path, tmp_path: Path):
    assert html(tmp_path) == read(run)


def test_run_with_nothing_to_show_still_has_a_report(tmp_path: Path):
    bare = given()._replace(raw=None, validation_losses=None, scans=SCANS.assign(split="train"))
    nothing = RECORD._replace(
        curves=pd.DataFrame({"epoch": []}),
        remarks=["Pretrained weights: 3 tensors matched."],
        counts=[("test", 8, 24)],
        set_aside=pd.DataFrame({"subject": [], "path": [], "reason": []}),
        audit={},
        speed={},
        configuration="",
        phantom_digest="",
    )
    write_report(bare, evaluate(bare, seed=0), nothing, tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "the cohort has no test subjects" in text
    assert "Plotly" not in text


def test_what_must_be_read_with_the_results_stands_at_the_top(run: Path):
    page = (run / "report.html").read_text()
    assert "Pretrained weights: 3 tensors matched." in page.split("</header>")[0]


def test_how_tables_and_scans_were_read_is_told(tmp_path):
    record = RECORD._replace(cohort_remarks=["3 ages are words"], scan_remarks={"its affine is <bare>": 5})
    text = own_part(html(tmp_path, record))
    assert "<li>3 ages are words</li>" in text
    assert '<td>its affine is &lt;bare&gt;</td><td class="n">5</td>' in text
    assert "How they were read" not in own_part(html(tmp_path))
