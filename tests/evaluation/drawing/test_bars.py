from clinimcl.evaluation.drawing.bars import Bar, bars_figure
from clinimcl.evaluation.statistics.metrics import Metric

METRIC = Metric(0.9, 0.8, 0.95, 40, 120)


def test_the_first_row_is_the_highest_bar():
    figure = bars_figure([Bar("first", "red", METRIC, 0.5), Bar("second", "blue", METRIC, None)], "Accuracy")
    assert figure is not None
    axes = figure.axes[0]
    assert dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True)) == {
        "first": 1.0,
        "second": 0.0,
    }
    assert len(axes.collections) == 1  # chance, where it is known


def test_no_row_gives_no_figure():
    assert bars_figure([], "Accuracy") is None
