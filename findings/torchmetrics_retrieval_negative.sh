#!/bin/sh
# torchmetrics 1.9.0 (torch 2.13.0) ranks documents by similarities of either sign, as cosines are. Four documents
# have the scores 0.5, 0.2, -0.1 and -0.2; the first and the third are relevant.
#
# Seen: average precision is 1, where a shift of all scores by 1, which changes no rank, gives 5/6, as scikit-learn
# 1.9.1 does for either. With the third alone relevant, reciprocal rank, average precision and precision are 0
# instead of 1/3, 1/3 and 1/4; normalized DCG is 1/2 for both. A relevant document whose score is 0 or less counts as
# irrelevant, without a word. The documentation calls the scores probabilities, and any floating point is taken.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 torchmetrics==1.9.0 scikit-learn==1.9.1
cat > "$folder/rank.py" <<'PYTHON'
import sys

import torch
from sklearn.metrics import average_precision_score
from torchmetrics.functional.retrieval import (
    retrieval_average_precision,
    retrieval_normalized_dcg,
    retrieval_precision,
    retrieval_reciprocal_rank,
)

scores = torch.tensor([0.5, 0.2, -0.1, -0.2])
two = torch.tensor([True, False, True, False])
one = torch.tensor([False, False, True, False])
measures = {
    "average precision": retrieval_average_precision,
    "reciprocal rank": retrieval_reciprocal_rank,
    "precision": retrieval_precision,
    "normalized DCG": retrieval_normalized_dcg,
}


def rounded(measure, shift, relevant):
    return round(float(measure(scores + shift, relevant)), 4)


pairs = [rounded(retrieval_average_precision, shift, two) for shift in (0.0, 1.0)]
peer = [round(average_precision_score(two, scores + shift), 4) for shift in (0.0, 1.0)]
single = {name: [rounded(measure, shift, one) for shift in (0.0, 1.0)] for name, measure in measures.items()}
print("as they are, shifted by 1:", "two relevant", pairs, "scikit-learn", peer, "one relevant", single)
expected = {
    "average precision": [0.0, 0.3333],
    "reciprocal rank": [0.0, 0.3333],
    "precision": [0.0, 0.25],
    "normalized DCG": [0.5, 0.5],
}
sys.exit(pairs != [1.0, 0.8333] or peer != [0.8333, 0.8333] or single != expected)
PYTHON
"$folder/venv/bin/python" "$folder/rank.py"
