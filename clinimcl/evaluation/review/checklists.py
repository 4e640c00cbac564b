"""CLAIM 2024 and TRIPOD+AI: which items a run can answer by itself, and which only its author can.

Items are in our own words and by their official numbers; the published checklists decide.

Source: Tejani et al. 2024, Radiology: Artificial Intelligence 6:e240300 (CLAIM, 44 items); Collins et al. 2024, BMJ
385:e078378 (TRIPOD+AI, 27 items, 52 with their parts).
"""

from typing import NamedTuple

RUN, PARTLY, OPEN = "run", "partly", "open"


class Item(NamedTuple):
    number: str
    asks: str  # shortly, in our own words
    facts: tuple[str, ...] = ()  # names of what a run may know
    author: str = ""  # what only the author knows besides; "" where a run knows all of it


class Answer(NamedTuple):
    number: str
    asks: str
    state: str  # RUN, PARTLY or OPEN
    answer: str  # "" where nothing is known
    author: str  # what is open


ALL = "what only the author knows"

CLAIM = (
    Item("1", "title names the kind of AI", ("technology",), "the title itself"),
    Item("2", "structured summary", (), "the abstract"),
    Item("3", "background, intended use and role of the AI", (), ALL),
    Item("4", "aims and hypotheses", (), ALL),
    Item("5", "prospective or retrospective", (), ALL),
    Item("6", "goal of the study", (), ALL),
    Item("7", "data sources", ("source",), "where the data can be had, and since when they were collected"),
    Item("8", "inclusion and exclusion criteria", ("eligibility",), "the criteria of the cohort itself"),
    Item("9", "preprocessing", ("preprocessing",)),
    Item("10", "choice of subsets of the data", ("subset",), "whether the files given are all of the cohort"),
    Item("11", "de-identification", ("deidentification",), "what was done to the files before"),
    Item("12", "missing data", ("missing",)),
    Item("13", "image acquisition", ("acquisition",), "protocols of the scanners"),
    Item("14", "definition of the reference standard", ("reference",), "how the score was assessed"),
    Item("15", "why this reference standard", (), ALL),
    Item("16", "who annotated, with which qualification", (), ALL),
    Item("17", "annotation of the test set", ("annotation",), "who assessed the scores of test subjects"),
    Item("18", "variability of annotators", (), ALL),
    Item("19", "assignment to partitions", ("partition",)),
    Item("20", "level at which partitions are disjoint", ("disjoint",)),
    Item("21", "intended size of the test set", ("size",), "whether a size was planned"),
    Item("22", "the model in detail", ("model",)),
    Item("23", "software and versions", ("software",)),
    Item("24", "initial weights", ("initial",)),
    Item("25", "training in detail", ("training",)),
    Item("26", "choice of the final model", ("selection",)),
    Item("27", "ensembling", ("ensemble",)),
    Item("28", "metrics of performance", ("metrics",)),
    Item("29", "significance and uncertainty", ("uncertainty",)),
    Item("30", "robustness or sensitivity", ("robustness",)),
    Item("31", "explanation of answers", ("explanation",)),
    Item("32", "internal testing", ("internal",)),
    Item("33", "external testing", ("external",)),
    Item("34", "registration of a trial", (), ALL),
    Item("35", "numbers included and excluded", ("flow",)),
    Item("36", "demographics of each partition", ("people",)),
    Item("37", "performance with uncertainty", ("performance", "groups")),
    Item("38", "diagnostic estimates with precision", ("performance", "clinical")),
    Item("39", "failure analysis", ("failures",), "what the errors have in common, by a clinician's eye"),
    Item("40", "limitations", ("limits",), ALL),
    Item("41", "implications for practice", (), ALL),
    Item("42", "full protocol", ("protocol",), "a protocol that was written before"),
    Item("43", "availability of software, model and data", ("availability",), "of the model and the data"),
    Item("44", "funding", (), ALL),
)

TRIPOD = (
    Item("1", "title: model, population, outcome", ("technology",), "the title itself"),
    Item("2", "abstract", (), "the abstract (TRIPOD+AI for Abstracts)"),
    Item("3a", "healthcare context and earlier models", (), ALL),
    Item("3b", "target population and intended users", (), ALL),
    Item("3c", "known health inequalities", (), ALL),
    Item("4", "objectives: development, evaluation or both", ("goal",), "the question"),
    Item("5a", "sources of the data and why these", ("source",), "why these, and whom they represent"),
    Item("5b", "dates of the data", (), ALL),
    Item("6a", "setting and centres", ("acquisition",), "the setting"),
    Item("6b", "eligibility", ("eligibility",), "the criteria of the cohort itself"),
    Item("6c", "treatments", (), ALL),
    Item("7", "preparation and checks of data, alike for all groups", ("preprocessing",)),
    Item("8a", "outcome and its horizon", ("reference",), "how and when it was assessed, and why"),
    Item("8b", "who assessed a subjective outcome", (), ALL),
    Item("8c", "blinding of the outcome's assessment", (), ALL),
    Item("9a", "choice of predictors", ("predictors",)),
    Item("9b", "definition of predictors", ("predictors", "preprocessing")),
    Item("9c", "who assessed subjective predictors", ("no_assessors",)),
    Item("10", "how the study size came about", ("size",), "whether a size was planned"),
    Item("11", "missing data", ("missing",)),
    Item("12a", "how data were used and partitioned", ("partition",)),
    Item("12b", "how predictors were scaled", ("preprocessing",)),
    Item("12c", "type of model, building, tuning, internal validation", ("model", "training", "selection")),
    Item("12d", "heterogeneity between centres", ("groups",)),
    Item("12e", "measures of performance", ("metrics",)),
    Item("12f", "updating in evaluation", ("updating",)),
    Item("12g", "how predictions were computed", ("output",)),
    Item("13", "class imbalance", ("balance",)),
    Item("14", "fairness", ("groups",), "what was done about it, and why"),
    Item("15", "output and thresholds", ("output",)),
    Item("16", "differences of training and evaluation data", ("people",)),
    Item("17", "ethics and consent", (), ALL),
    Item("18a", "funding", (), ALL),
    Item("18b", "conflicts of interest", (), ALL),
    Item("18c", "protocol", ("protocol",), "a protocol that was written before"),
    Item("18d", "registration", (), ALL),
    Item("18e", "sharing of data", (), ALL),
    Item("18f", "sharing of code", ("availability",), "code beside clinimcl's"),
    Item("19", "patient and public involvement", (), ALL),
    Item("20a", "flow of participants", ("flow",)),
    Item("20b", "characteristics of participants", ("people",), "treatments, and dates"),
    Item("20c", "comparison with the development data", ("people",)),
    Item("21", "participants and outcomes in each analysis", ("events",)),
    Item("22", "the model, for others to use", ("specification",)),
    Item("23a", "performance with intervals, and of subgroups", ("performance", "groups")),
    Item("23b", "heterogeneity between clusters", ("groups",)),
    Item("24", "results of updating", ("updating",)),
    Item("25", "interpretation", (), ALL),
    Item("26", "limitations", ("limits",), ALL),
    Item("27a", "poor or missing input", ("poor_input",)),
    Item("27b", "expertise of users", (), ALL),
    Item("27c", "next steps", (), ALL),
)

CHECKLISTS = {"CLAIM 2024": CLAIM, "TRIPOD+AI": TRIPOD}


def answers(items: tuple[Item, ...], facts: dict[str, str]) -> list[Answer]:
    """Each item with what the run knows of it."""
    return [answer(item, facts) for item in items]


def answer(item: Item, facts: dict[str, str]) -> Answer:
    known = [facts[name] for name in item.facts if name in facts]
    if not known:
        return Answer(item.number, item.asks, OPEN, "", item.author or ALL)
    unknown = [LACKING[name] for name in item.facts if name not in facts]
    missing = "; ".join([*unknown, *([item.author] if item.author else [])])
    return Answer(item.number, item.asks, PARTLY if missing else RUN, " ".join(known), missing)


LACKING = {  # facts that not every run has, as what is then open
    "source": "the source of the data",
    "groups": "performance by group",
    "clinical": "net benefit",
    "performance": "performance",
    "external": "testing on another cohort",
    "robustness": "robustness",
    "explanation": "an explanation of answers",
    "size": "the size",
    "predictors": "the predictors",
    "preprocessing": "the preparation",
    "model": "the model",
    "training": "the training",
    "selection": "the choice of the model",
}


def tally(answered: list[Answer]) -> dict[str, int]:
    return {state: sum(answer.state == state for answer in answered) for state in (RUN, PARTLY, OPEN)}
