import pytest

from clinimcl.encoders.contract import Contract, hashed, write_contract
from clinimcl.errors import UserError
from clinimcl.run_folder import settings_of
from clinimcl.trained import check_new


def trained_by(path, *subjects):
    write_contract(path, Contract("16x16x16", [0.0, 1.0], ["Oasis3"], hashed(subjects, "salt"), "salt", "mine"))
    return path


def test_people_who_trained_the_encoder_are_refused_with_their_number(tmp_path):
    encoder = trained_by(tmp_path / "best.ckpt", "a", "b", "c")
    with pytest.raises(UserError, match="2 test subjects of this cohort have the ids of subjects who trained"):
        check_new([encoder], ["b", "c", "d"], allowed=False)
    assert check_new([encoder], ["d"], allowed=False) == 0


def test_people_who_trained_what_the_encoder_started_from_are_refused_too(tmp_path):
    weights = [trained_by(tmp_path / "best.ckpt", "a"), trained_by(tmp_path / "weights.pth", "d")]
    with pytest.raises(UserError, match="1 test subjects"):
        check_new(weights, ["d"], allowed=False)
    assert check_new(weights, ["d"], allowed=True) == 1


def test_an_encoder_that_does_not_tell_who_trained_it_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no contract beside it"):
        check_new([tmp_path / "best.ckpt"], ["a"], allowed=False)


@pytest.mark.parametrize(("text", "part"), [("[1]", "got list"), ("{", "cannot be read"), ("seed: 0", "missing")])
def test_a_configuration_that_is_none_of_ours_is_told_in_a_sentence(tmp_path, text, part):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=part):
        settings_of(tmp_path)
