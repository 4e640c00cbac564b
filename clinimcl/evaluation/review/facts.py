"""What a run can say for itself, as sentences that answer the items of the checklists."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from clinimcl.cohorts.change import CHANGES
from clinimcl.cohorts.schema import SPLITS
from clinimcl.evaluation.review.decision import Decision
from clinimcl.evaluation.review.detectable import Detectable
from clinimcl.evaluation.review.flow import Flow
from clinimcl.evaluation.review.inputs import ReviewInputs
from clinimcl.evaluation.review.robustness import Robustness
from clinimcl.evaluation.review.sensitivity import Sensitivity
from clinimcl.evaluation.review.worst import Worst
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import interval, label, number

NAMED = 6  # metrics that are named


class Measured(NamedTuple):
    """Parts of the review that facts are told of."""

    flow: Flow
    decision: Decision | Absent
    detectable: list[Detectable]
    robustness: Robustness | Absent
    sensitivity: Sensitivity | Absent
    worst: Worst | Absent


def known_facts(inputs: ReviewInputs, measured: Measured) -> dict[str, str]:
    """Name of a fact → a sentence; what the run does not know is left out."""
    return {
        **data_facts(inputs, measured.flow),
        **model_facts(inputs),
        **training_facts(inputs),
        **result_facts(inputs, measured),
    }


def class_name(node: Any) -> str:
    """Of a part of the configuration."""
    return str(node["_target_"]).rpartition(".")[2] if node else "none"


def given(node: dict[str, Any]) -> str:
    """The plain settings of a part, as `name=value`."""
    plain = {name: value for name, value in node.items() if not name.startswith("_")}
    shown = [f"{name}={value}" for name, value in plain.items() if not isinstance(value, dict)]
    return ", ".join(shown)


def data_facts(inputs: ReviewInputs, flow: Flow) -> dict[str, str]:
    table, facts = inputs.table, inputs.facts
    usable = table[table["reason"] == ""]
    split = facts.settings["cohort"]["split"]
    counted = ", ".join(f"{flow.splits[name].subjects} {name}" for name in SPLITS)
    dealt = f"Whole {split['by']}s" if split["by"] != "subject" else "Subjects by a hash of their id and a seed"
    aside = sum(exclusion.size.scans for exclusion in flow.set_aside)
    source = "A generated cohort" if facts.generated else f"The cohort that the reader {facts.cohort} reads"
    prepared = facts.settings["preparation"]
    return {
        "source": f"{source}: {flow.found.scans} scans of {flow.found.subjects} subjects.",
        "eligibility": (
            f"All scans that were found entered; {aside} were set aside, and those that a step could not use are "
            "counted with the reason (flow diagram)."
        ),
        "preprocessing": (
            f"{class_name(prepared)} with {given(prepared)}; one recipe for all scans."
            f"{harmonisation_fact(facts.settings.get('harmonise'))}"
        ),
        "subset": "None was chosen by hand: every usable scan is in a split.",
        "deidentification": (
            "Subjects have pseudonyms in all that leaves the machine; names, paths and hosts are left out; heads in "
            "pictures have no face unless the run was told that those pictured agreed."
        ),
        "missing": missing_fact(usable, facts.settings.get("harmonise")),
        "acquisition": acquisition_fact(usable),
        "partition": f"{dealt}, into {counted}; validation {split['validation']:g}, test {split['test']:g}.",
        "disjoint": (
            "Subjects: none is in two splits, and no two files that are equal byte for byte are in two splits, or "
            "the run stops."
        ),
        "flow": flow_fact(flow, aside),
        "people": "The table of people by split, with standardised differences and what is missing.",
        "no_assessors": "None: no one judged a predictor.",
        "predictors": predictors_fact(inputs),
        "annotation": "Scores come from the cohort’s own tables; no one annotated scans for this run.",
    } | ({"reference": reference_fact(usable, facts.rule)} if facts.rule else {})


def predictors_fact(inputs: ReviewInputs) -> str:
    if not inputs.change:
        return "Prepared voxels of a scan, no others, all of them."
    if inputs.facts.settings.get("harmonise"):
        return (
            "Prepared voxels of two scans, all of them, the scanner or site of each, and age and sex, which "
            "harmonisation preserves; no others."
        )
    return "Prepared voxels of two scans, no others, all of them."


def harmonisation_fact(method: str | None) -> str:
    """How embeddings became alike between scanners; "" where they were not changed."""
    if method is None:
        return ""
    return (
        f" Embeddings are then harmonised between scanners or sites (harmonise={method}, fitted on "
        "training scans); what they tell of age and sex is preserved, as far as these are known."
    )


def reference_fact(usable: pd.DataFrame, rule: str) -> str:
    name = str(usable["score_name"].iloc[0])
    return f"The change of {name} between two visits. {rule}"


def missing_fact(usable: pd.DataFrame, harmonise: str | None) -> str:
    """Counts, a subject once, and where the mean of training stands in."""
    filled = ["trivial rows of health change read from it (age, volumes)"]
    filled += ["harmonisation preserves of it (age, sex)"] if harmonise else []
    imputed = f" The mean of training stands in for what is missing of what {' and of what '.join(filled)}."
    first = usable.groupby("subject").first()
    columns = ("score", "age", "sex", "site", "scanner")
    lacking = {name: int(first[name].isna().sum()) for name in columns}
    shown = ", ".join(f"{name} {count}" for name, count in lacking.items() if count)
    return (
        f"No score was imputed; a scan without one is left out where a score is needed.{imputed} Subjects of "
        f"{len(first)} without: {shown or 'none of score, age, sex, site and scanner'}."
    )


def acquisition_fact(usable: pd.DataFrame) -> str:
    modalities = ", ".join(sorted(usable["modality"].unique()))
    sites, scanners = (int(usable[name].nunique()) for name in ("site", "scanner"))
    return f"{modalities}; {sites} known sites, {scanners} known scanners."


def flow_fact(flow: Flow, aside: int) -> str:
    tested = [branch for branch in flow.branches if branch.split == "test"]
    used = "; ".join(f"{branch.purpose}: {branch.used.scans} of {branch.used.subjects}" for branch in tested)
    return (
        f"{flow.found.scans} scans of {flow.found.subjects} subjects found, {aside} set aside. Test scans of test "
        f"subjects, {used} (flow diagram)."
    )


def model_facts(inputs: ReviewInputs) -> dict[str, str]:
    settings = inputs.facts.settings
    sizes = ", ".join(f"{name} {count:,}" for name, count in inputs.facts.parameters.items())
    encoder, kind = class_name(settings["encoder"]), class_name(settings["module"])
    classified = f", then {class_name(settings['classifier'])} of two embeddings" if inputs.change else ""
    versions = ", ".join(f"{name} {version}" for name, version in inputs.facts.versions.items())
    output = (
        f"Probabilities of {', '.join(CHANGES)} by one forward pass a scan; the likeliest is the answer, without "
        "another threshold."
        if inputs.change
        else "An embedding by one forward pass a scan; no decision is made of it."
    )
    return {
        "technology": f"Deep learning: {kind} of {encoder}{classified}.",
        "goal": "Both: developed on training and validation subjects, evaluated on test subjects.",
        "model": f"{encoder} ({given(settings['encoder'])}){classified}; weights: {sizes}.",
        "software": f"{versions}.",
        "initial": inputs.facts.weights or f"Random, seed {settings['seed']}.",
        "ensemble": "None: one model.",
        "output": output,
        "specification": "config.yaml and checkpoints of the run; clinimcl.export makes a folder that answers.",
        "availability": "clinimcl is free software (Apache-2.0).",
        "protocol": "config.yaml of the run has every setting.",
    }


def training_facts(inputs: ReviewInputs) -> dict[str, str]:
    settings = inputs.facts.settings
    change = settings["change"]
    parts = {name: settings[name] for name in ("objective", "optimizer", "augmentation", "schedule") if settings[name]}
    shown = "; ".join(f"{name} {class_name(node)} ({given(node)})" for name, node in parts.items())
    later = f" The classifier: {given(change)}." if change else ""
    balance = (
        "Every class weighs the same in the classifier’s loss (balanced=true)."
        if change and change["balanced"]
        else "None was used."
    )
    epochs = "epoch" if settings["epochs"] == 1 else "epochs"
    chosen = "The epoch that was" if settings["epochs"] else "The encoder was not trained; the classifier’s epoch was"
    return {
        "training": f"{settings['epochs']} {epochs}, batch {settings['pretrain']['batch']}; {shown}.{later}",
        "selection": f"{chosen} best on validation subjects; test subjects had no say.",
        "balance": balance,
        "updating": "None: nothing was fitted to test subjects.",
        "poor_input": (
            "Scans that cannot be prepared are set aside with a reason; an exported model refuses scans unlike those "
            "that trained it."
        ),
    }


def result_facts(inputs: ReviewInputs, measured: Measured) -> dict[str, str]:
    metrics = inputs.metrics
    ordered = sorted(metrics, key=lambda name: name != inputs.headline)
    names = ", ".join(label(name) for name in ordered[:NAMED])
    found = {
        "metrics": f"{names} and others with their meaning in report.html." if names else "",
        "uncertainty": "95 % intervals over subjects, not scans; differences are paired by subject.",
        "internal": "Test subjects of the same cohort, who neither trained nor chose the model.",
        "performance": performance_fact(metrics, inputs.headline),
        "size": size_fact(measured.detectable),
        "external": f"Measured on {', '.join(inputs.facts.elsewhere)} too." if inputs.facts.elsewhere else "",
        "groups": "Headlines by group with intervals in report.html." if inputs.facts.groups else "",
        "events": events_fact(inputs) if inputs.change else "",
        "limits": limits_fact(inputs),
    }
    if isinstance(measured.robustness, Robustness):
        kinds = measured.robustness.curves["perturbation"].nunique() - 1
        found["robustness"] = f"{kinds} kinds of damage to test scans at four strengths each, with intervals."
    if isinstance(measured.worst, Worst):
        found["failures"] = "The pairs on which the run was most sure and wrong, below."
    if isinstance(measured.sensitivity, Sensitivity):
        found["explanation"] = "Occlusion maps, compared with those of a network with random weights."
    if isinstance(measured.decision, Decision):
        found["clinical"] = "Decision curve with intervals over subjects."
    return {name: sentence for name, sentence in found.items() if sentence}


def performance_fact(metrics: dict[str, Metric], headline: str) -> str:
    if headline not in metrics:
        return ""
    metric = metrics[headline]
    chance = f", chance {number(metric.chance)}" if metric.chance is not None else ""
    return (
        f"{label(headline)} {number(metric.value)} (95 % interval {interval(metric)}{chance}; {metric.n_subjects} "
        "subjects)."
    )


def size_fact(detectable: list[Detectable]) -> str:
    if not detectable:
        return ""
    first = detectable[0]
    return (
        f"{first.subjects} test subjects; between two models, a difference of {number(first.difference)} in "
        f"{label(first.name)} would be found with 80 % power (uncorrelated results)."
    )


def events_fact(inputs: ReviewInputs) -> str:
    assert inputs.change is not None
    said = []
    for name, pairs in (("training", inputs.change.train), ("test", inputs.change.test)):
        counts = np.bincount(pairs["change"].to_numpy(int), minlength=len(CHANGES))
        shown = ", ".join(f"{count} {change}" for change, count in zip(CHANGES, counts, strict=True))
        said.append(f"{name.capitalize()} pairs: {shown}.")
    return " ".join(said)


def limits_fact(inputs: ReviewInputs) -> str:
    """Those that a run can see by itself."""
    limits = ["One split of one cohort and one seed" if not inputs.facts.elsewhere else "One seed"]
    if inputs.facts.generated:
        limits.append("a generated cohort, which says nothing of patients")
    if inputs.change is not None and inputs.change.kind == "zone contrast":
        limits.append("a contrast of zones, which is no health change")
    return "; ".join(limits) + "."
