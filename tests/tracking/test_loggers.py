from clinimcl.tracking.loggers import shareable


def test_what_is_shared_of_a_configuration_tells_no_place():
    told = {"epochs": 3, "encoder": {"embedding": 8}}
    places = {"overrides": ["cohort.root=/home/me/OASIS3"], "sweep": "s", "cache": "c", "mirror": "gs://bucket/runs"}
    assert shareable(told | places | {"cohort": {"root": "r", "score": "MMSE"}}) == told | {"cohort": {"score": "MMSE"}}
