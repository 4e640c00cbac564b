"""The figures of the review pack."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, INK, MUTED, SUBJECT_COLOURS, new_figure, plain
from clinimcl.evaluation.review.decision import Decision
from clinimcl.evaluation.review.robustness import Robustness
from clinimcl.evaluation.review.sensitivity import Sensitivity
from clinimcl.evaluation.wording import label

COLOUR = SUBJECT_COLOURS[0]
ABREAST = 3  # panels
MOST_MAPS = 4  # pairs that are drawn
LEAST_SHOWN = 0.25  # of the prevalence: net benefit falls without end where false alarms are dear


def decision_figure(decision: Decision) -> Figure:
    """Net benefit with its band, beside treating all and none."""
    figure = new_figure(8.0, 3.6)
    axes, curve = figure.subplots(), decision.curve
    threshold = 100 * curve["threshold"]
    axes.fill_between(threshold, curve["low"], curve["high"], color=COLOUR, alpha=0.18, linewidth=0)
    axes.plot(threshold, curve["net_benefit"], color=COLOUR, label="by the classifier, 95 % band")
    axes.plot(threshold, curve["treat_all"], color=MUTED, linestyle="--", label="treat all")
    axes.axhline(0, color=INK, linewidth=1, label="treat none")
    top = max(decision.prevalence, float(np.nanmax(curve["high"])) if curve["high"].notna().any() else 0)
    axes.set_ylim(-max(LEAST_SHOWN * decision.prevalence, 0.02), 1.1 * top)
    axes.set_xlim(0, 100)
    plain(axes)
    axes.set_xlabel("probability of deteriorated from which one would act, %", fontsize=9, color=INK)
    axes.set_ylabel("net benefit", fontsize=9, color=INK)
    axes.legend(fontsize=8, frameon=False)
    return figure


def robustness_figure(found: Robustness, chance: float | None) -> Figure:
    """A panel a kind of damage; its first point is the undamaged scans."""
    curves = found.curves
    clean = curves[curves["perturbation"] == "none"]
    names = [name for name in curves["perturbation"].unique() if name != "none"]
    lines = -(-len(names) // ABREAST)
    figure = new_figure(9.0, 2.5 * lines)
    panels = figure.subplots(lines, ABREAST, squeeze=False, sharey=True)
    for axes in panels.flat[len(names) :]:
        axes.axis("off")
    for axes, name in zip(panels.flat, names, strict=False):
        own = pd.concat([clean, curves[curves["perturbation"] == name]])
        robustness_panel(axes, own, chance)
        axes.set_xlabel(f"{name}, {own['unit'].iloc[-1]}", fontsize=8, color=INK)
    for axes in panels[:, 0]:
        axes.set_ylabel(label(found.metric), fontsize=8, color=INK)
    return figure


def robustness_panel(axes: Axes, curve: pd.DataFrame, chance: float | None) -> None:
    places = np.arange(len(curve))
    errors = np.abs(curve[["low", "high"]].to_numpy().T - curve["value"].to_numpy())
    axes.errorbar(places, curve["value"], errors, color=COLOUR, marker="o", markersize=4, capsize=2, linewidth=1.2)
    axes.set_xticks(places, ["as it is", *(f"{strength:g}" for strength in curve["strength"].iloc[1:])])
    if chance is not None:
        axes.axhline(chance, color=CHANCE, linestyle="--", linewidth=1)
    plain(axes)


def maps_figure(found: Sensitivity) -> Figure:
    """How much each cell matters, meaned along the height of a volume: the trained network above the random one."""
    shown = found.maps[:MOST_MAPS]
    figure = new_figure(2.0 * len(shown) + 0.6, 4.0)
    panels = figure.subplots(2, len(shown), squeeze=False)
    for column, maps in enumerate(shown):
        for axes, own in zip(panels[:, column], maps, strict=True):
            flat = np.abs(own[0] if own.shape[0] == 1 else own.mean(axis=2).T[::-1])
            axes.imshow(flat, cmap="magma", interpolation="nearest", vmin=0, vmax=max(float(flat.max()), 1e-12))
            axes.set_xticks([])
            axes.set_yticks([])
        panels[0, column].set_title(f"pair {column + 1}", fontsize=8, color=INK)
    for axes, name in zip(panels[:, 0], ("trained", "random weights"), strict=True):
        axes.set_ylabel(name, fontsize=8, color=INK)
    return figure
