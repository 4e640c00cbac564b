from clinimcl.evaluation.contrastive.diagnosis import diagnosis
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

NO_TRAINING = Absent("not embedded")
BETTER = Metric(0.3, 0.2, 0.4, 40, 120, chance=0.0)


def epoch(top1: float = 0.9, rank: float = 40.0, apart: float = 0.8, own: float = 0.1) -> dict[str, Outcome]:
    def metric(value: float) -> Metric:
        return Metric(value, value - 0.05, value + 0.05, 40, 120, chance=0.02)

    return {
        "retrieval_top1": metric(top1),
        "effective_rank": metric(rank),
        "between_subject_distance": metric(apart),
        "longitudinal_distance": metric(own),
        "total_variance": metric(apart),
    }


def name(*epochs: dict[str, Outcome], train_top1: Outcome = NO_TRAINING, over_voxels: Outcome = BETTER) -> str:
    return diagnosis(dict(enumerate(epochs)), len(epochs) - 1, train_top1, over_voxels).name


def test_an_encoder_that_raw_voxels_match_is_not_called_healthy():
    no_better = Metric(0.1, -0.02, 0.2, 40, 120, chance=0.0)
    assert name(epoch(), over_voxels=no_better) == "no better than voxels"


def test_good_numbers_are_healthy():
    assert name(epoch(), epoch()) == "healthy"


def test_rank_one_without_identity_is_collapse():
    assert name(epoch(top1=0.08, rank=1.1)) == "collapse"


def test_one_point_for_everybody_is_collapse():
    assert name(epoch(top1=0.02, apart=0.001)) == "collapse"


def test_narrow_cone_that_keeps_identity_is_no_collapse():
    assert name(epoch(top1=0.95, apart=0.005)) == "healthy"


def test_retrieval_at_chance_never_started():
    assert name(epoch(top1=0.04)) == "never started"


def test_training_subjects_far_ahead_are_memorised():
    ahead = Metric(0.99, 0.95, 1.0, 40, 120, chance=0.02)
    assert name(epoch(top1=0.4), train_top1=ahead) == "memorisation"


def test_training_subjects_a_little_ahead_are_normal():
    ahead = Metric(0.99, 0.95, 1.0, 40, 120, chance=0.02)
    assert name(epoch(top1=0.85), train_top1=ahead) == "healthy"


def test_identity_kept_while_rank_and_movement_shrink_is_over_compression():
    assert name(epoch(rank=60, own=0.2), epoch(rank=20, own=0.05)) == "over-compression"


def test_shrinking_rank_alone_is_not_over_compression():
    assert name(epoch(rank=60, own=0.1), epoch(rank=20, own=0.1)) == "healthy"


def test_without_test_subjects_nothing_is_said():
    assert name({"retrieval_top1": Absent("none")}) == "unknown"


def test_sentence_names_chance_beside_the_value():
    assert "0.020" in diagnosis({0: epoch(top1=0.04)}, 0, NO_TRAINING, BETTER).sentence
