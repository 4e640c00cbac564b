from clinimcl.evaluation.contrastive.comparison import gaps_figure, retrieval_figure
from clinimcl.evaluation.statistics.metrics import Absent, Metric

METRIC = Metric(0.9, 0.8, 0.95, 40, 120, chance=0.02)


def test_trivial_rows_stand_under_the_encoder():
    figure = retrieval_figure({"raw_voxels_retrieval_top1": METRIC, "retrieval_top1": METRIC})
    assert figure is not None
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["encoder", "raw voxels"]


def test_nothing_to_compare_gives_no_figure():
    assert retrieval_figure({}) is None
    assert gaps_figure({}) is None


def test_gap_that_could_not_be_measured_stays_empty():
    figure = gaps_figure({"encoder": {"0–1 years": METRIC, "1–2 years": Absent("one subject")}})
    assert figure is not None
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0–1 years", "1–2 years"]
    assert len(figure.axes[0].lines) == 3  # interval, value, and the legend's
