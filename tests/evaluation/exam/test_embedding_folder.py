import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_files import read_embeddings
from clinimcl.evaluation.exam.embedding_folder import write_folder

TABLE = pd.DataFrame({"pseudonym": ["a1", "a1", "b2"], "session": [1, 2, 1], "split": ["train", "train", "test"]})
VECTORS = pd.DataFrame(np.arange(6, dtype=np.float32).reshape(3, 2), columns=["embedding_0", "embedding_1"])
TABLE = pd.concat([TABLE, VECTORS], axis=1)


def test_each_scan_is_a_float32_vector_of_one_dimension(tmp_path):
    write_folder(TABLE, tmp_path / "out")
    vectors = {path.name: np.load(path) for path in (tmp_path / "out").glob("*.npy")}
    assert {name: vector.tolist() for name, vector in vectors.items()} == {
        "a1-1.npy": [0, 1],
        "a1-2.npy": [2, 3],
        "b2-1.npy": [4, 5],
    }
    assert {(vector.dtype, vector.ndim) for vector in vectors.values()} == {(np.dtype("float32"), 1)}


def test_the_index_says_which_scan_each_is(tmp_path):
    write_folder(TABLE, tmp_path / "out")
    index = pd.read_csv(tmp_path / "out" / "index.csv")
    assert index.columns.tolist() == ["file", "pseudonym", "session", "split"]
    assert index["file"].tolist() == ["a1-1.npy", "a1-2.npy", "b2-1.npy"]


def test_the_exam_reads_what_is_written(tmp_path):
    write_folder(TABLE, tmp_path / "out")
    found = read_embeddings(tmp_path / "out", "embeddings")
    assert found.rows["subject"].tolist() == ["a1", "a1", "b2"]
    np.testing.assert_array_equal(found.vectors, VECTORS)


def test_an_earlier_folder_is_replaced_as_a_whole(tmp_path):
    write_folder(TABLE, tmp_path / "out")
    write_folder(TABLE.iloc[:1], tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a1-1.npy", "index.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_fails_leaves_the_earlier_folder(tmp_path):
    write_folder(TABLE, tmp_path / "out")
    broken = TABLE.assign(embedding_1=["x", "y", "z"])
    with pytest.raises(ValueError, match="could not convert"):
        write_folder(broken, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["notes.txt", "other.npy"])
def test_a_folder_of_something_else_is_left_alone(name, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).touch()
    with pytest.raises(UserError, match="must be a new folder, or one of an earlier"):
        write_folder(TABLE, tmp_path / "out")
    assert (tmp_path / "out" / name).exists()
