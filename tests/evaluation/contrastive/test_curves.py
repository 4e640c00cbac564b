import numpy as np
import pandas as pd

from clinimcl.evaluation.contrastive.curves import curves_figure, epochs_metrics_figure, panels_of
from clinimcl.evaluation.statistics.metrics import Absent, Metric

CURVES = pd.DataFrame(
    {
        "epoch": [0, 0, 1, 1],
        "step": [10, 10, 20, 20],
        "train/loss": [4.0, np.nan, 2.0, np.nan],
        "validation/loss": [np.nan, 3.0, np.nan, 2.5],
        "validation/retrieval_top1": [np.nan, 0.1, np.nan, 0.4],
        "train/nothing": [np.nan] * 4,
    }
)


def test_stages_of_a_metric_share_a_panel():
    assert panels_of(CURVES) == {
        "loss": ["train/loss", "validation/loss"],
        "retrieval_top1": ["validation/retrieval_top1"],
    }


def test_chance_is_a_line_of_its_own():
    figure = curves_figure(CURVES, {"validation/loss": np.log(12)})
    assert figure is not None
    levels = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert levels == [[4.0, 2.0], [3.0, 2.5], [np.log(12)] * 2]


def test_nothing_logged_gives_no_figure():
    assert curves_figure(CURVES[["epoch", "step"]], {}) is None


def test_metrics_that_were_not_measured_have_no_panel():
    metric = Metric(0.5, 0.4, 0.6, 10, 30, chance=0.1)
    figure = epochs_metrics_figure({5: {"retrieval_top1": metric, "order_tau": Absent("no")}}, 5)
    assert figure is not None
    assert [axes.get_title("left") for axes in figure.axes] == ["Retrieval"]


def test_no_metric_at_all_gives_no_figure():
    assert epochs_metrics_figure({5: {"order_tau": Absent("no")}}, 5) is None
