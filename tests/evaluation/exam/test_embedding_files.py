import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_files import read_embeddings

VECTORS = np.arange(12.0).reshape(4, 3)


def table(vectors=VECTORS, **columns):
    numbers = pd.DataFrame(vectors, columns=[f"embedding_{number}" for number in range(vectors.shape[1])])
    return pd.concat([pd.DataFrame({"pseudonym": list("abcd"), "session": [1, 2, 3, 4], **columns}), numbers], axis=1)


def test_a_parquet_table_and_a_csv_table_are_the_same(tmp_path):
    table().to_parquet(tmp_path / "a.parquet")
    table().to_csv(tmp_path / "a.csv", index=False)
    one, other = (read_embeddings(tmp_path / f"a.{ending}", "embeddings") for ending in ("parquet", "csv"))
    pd.testing.assert_frame_equal(one.rows, other.rows, check_dtype=False)
    np.testing.assert_array_equal(one.vectors, VECTORS)
    np.testing.assert_array_equal(other.vectors, VECTORS)


def test_columns_are_in_the_order_of_their_numbers(tmp_path):
    wide = table(np.arange(48.0).reshape(4, 12))
    wide[sorted(wide.columns)].to_csv(tmp_path / "a.csv", index=False)
    assert read_embeddings(tmp_path / "a.csv", "embeddings").vectors[0].tolist() == list(range(12))


def test_a_folder_of_vectors_is_named_by_its_subjects(tmp_path):
    np.save(tmp_path / "s1.npy", np.float32([1, 2]))
    np.savez(tmp_path / "s2.npz", anything=np.float32([[3, 4]]))
    found = read_embeddings(tmp_path, "embeddings")
    assert found.rows["subject"].tolist() == ["s1", "s2"]
    assert found.vectors.tolist() == [[1, 2], [3, 4]]


def test_an_index_says_whose_each_vector_is(tmp_path):
    np.save(tmp_path / "0.npy", np.float32([1, 2]))
    np.save(tmp_path / "1.npy", np.float32([3, 4]))
    pd.DataFrame({"file": ["1.npy", "0.npy"], "pseudonym": ["x", "y"]}).to_csv(tmp_path / "index.csv", index=False)
    found = read_embeddings(tmp_path, "embeddings")
    assert (found.rows["subject"].tolist(), found.vectors.tolist()) == (["x", "y"], [[3, 4], [1, 2]])


WRONG = {
    "must be finite numbers, and 1 of 4 are not": table(np.where(VECTORS == 4, np.nan, VECTORS)),
    "all 4 embeddings are the same": table(np.ones((4, 3))),
    "must have the columns embedding_0": table().rename(columns={"embedding_1": "embedding_7"}),
    "must have a column pseudonym, subject": table().drop(columns="pseudonym"),
    "has no scan": table().iloc[:0],
}


@pytest.mark.parametrize("said", WRONG)
def test_a_table_that_holds_no_embeddings_is_refused(said, tmp_path):
    WRONG[said].to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UserError, match=said):
        read_embeddings(tmp_path / "a.csv", "embeddings")


FOLDERS = {
    "every file must hold one vector, all as long, got lengths 2, 3": [np.zeros(2), np.ones(3)],
    "got lengths 0, 2": [np.zeros(2), np.zeros((2, 2))],
    "1 of 1 files hold objects, which are not unpickled": [np.array([{"a": 1}], dtype=object)],
}


@pytest.mark.parametrize("said", FOLDERS)
def test_a_folder_with_other_arrays_is_refused(said, tmp_path):
    for number, array in enumerate(FOLDERS[said]):
        np.save(tmp_path / f"JANE{number}.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=said) as refused:
        read_embeddings(tmp_path, "embeddings")
    assert "JANE" not in str(refused.value)


@pytest.mark.parametrize("name", ["../a.npy", "/etc/passwd", "sub/a.npy"])
def test_an_index_does_not_lead_out_of_its_folder(name, tmp_path):
    pd.DataFrame({"file": [name], "subject": ["x"]}).to_csv(tmp_path / "index.csv", index=False)
    with pytest.raises(UserError, match="names of files beside it"):
        read_embeddings(tmp_path, "embeddings")


def test_a_file_of_the_index_that_is_not_there_is_counted(tmp_path):
    pd.DataFrame({"file": ["a.npy"], "subject": ["x"]}).to_csv(tmp_path / "index.csv", index=False)
    with pytest.raises(UserError, match=r"1 of the 1 files of index\.csv are not there"):
        read_embeddings(tmp_path, "embeddings")


@pytest.mark.parametrize(
    ("name", "said"),
    [("no.csv", "is not there"), ("a.txt", r"must end with \.csv"), ("a.parquet", "is no parquet file")],
)
def test_a_file_that_is_no_table_is_refused(name, said, tmp_path):
    for made in ("a.txt", "a.parquet"):
        (tmp_path / made).write_text("x")
    with pytest.raises(UserError, match=said):
        read_embeddings(tmp_path / name, "embeddings")


def test_what_is_not_there_may_be_a_folder(tmp_path):
    with pytest.raises(UserError, match=r"parquet file, or a folder of \.npy files"):
        read_embeddings(tmp_path / "no", "embeddings")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"must hold \.npy files"):
        read_embeddings(tmp_path, "embeddings")
