import pytest

from clinimcl.cohorts.tables.column_notes import TableNotes, sex_codes, unit_of
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore

WEEK, MONTH = 7 / 365.25, 1 / 12


@pytest.mark.parametrize(
    ("units", "years"),
    [
        *(("years", 1), ("Year(s)", 1), ("yrs.", 1), ("y", 1), ("y.o.", 1), ("decimal years", 1), ("a", 1), ("", 1)),
        *(("months", MONTH), ("Month", MONTH), ("mo", MONTH), ("m", MONTH), ("weeks", WEEK), ("wk", WEEK)),
        *(("days", 1 / 365.25), ("D", 1 / 365.25), ("n/a", 1)),
        *(("years and months", None), ("gestational weeks", None), ("weeks PMA", None), ("seconds", None)),
    ],
)
def test_units_are_written_in_many_ways(units, years):
    assert unit_of({"age": {"Units": units}}, "age") == years


def test_a_description_says_the_unit_where_units_do_not():
    assert unit_of({"age": {"Description": "Age in weeks when scanned"}}, "age") == WEEK
    assert unit_of({"age": {"Description": "Age in weeks when scanned", "Units": "years"}}, "age") == 1
    assert unit_of({"age": {"Description": "Age of everybody in the trial"}}, "age") == 1
    assert unit_of({"age": {"Description": "Age (at the scan, months)"}}, "age") == pytest.approx(1 / 12)


@pytest.mark.parametrize(
    "notes", [{}, {"sex": "free text"}, {"sex": {"Levels": ["M", "F"]}}, {"sex": {"Levels": None}}]
)
def test_notes_without_levels_give_no_codes(notes):
    assert sex_codes(notes, "sex") == {}


def test_levels_of_an_unknown_language_leave_the_letters():
    codes = sex_codes({"sex": {"Levels": {"F": "Gynaika", "M": {"Description": "Masculin"}, "X": "Andras"}}}, "sex")
    assert codes == {"f": "F", "m": "M"}


@pytest.mark.parametrize("levels", [{"M": "Mujer", "H": "Hombre"}, {"M": "Mulher", "H": "Homem"}])
def test_the_m_of_a_woman_is_read_by_its_level(levels):
    assert sex_codes({"sex": {"Levels": levels}}, "sex") == {"m": "F", "h": "M"}


def test_a_pointer_to_the_notes_says_what_fetches_them(tmp_path):
    (tmp_path / "participants.json").write_text("/annex/objects/MD5E-s12--0123456789abcdef.json\n")
    with pytest.raises(UserError, match=r"participants.json is a pointer of git-annex, .* `datalad get .`"):
        TableNotes(explore(str(tmp_path), ""), ["participants"])


def test_the_notes_that_lie_nearest_count(tmp_path):
    units = {
        "scans.json": "years",
        "sub-1/sub-1_scans.json": "weeks",
        "sub-1/ses-a/sub-1_ses-a_scans.json": "days",
        "sub-1/ses-b/sub-1_ses-a_scans.json": "months",
    }
    for file, unit in units.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f'{{"age": {{"Units": "{unit}"}}}}')
    notes = TableNotes(explore(str(tmp_path), ""), ["scans"])
    tables = ["sub-1/ses-a/sub-1_ses-a_scans.tsv", "sub-1/ses-b/sub-1_ses-b_scans.tsv", "sub-2/sub-2_scans.tsv"]
    assert [notes.of(table)["age"]["Units"] for table in tables] == ["days", "weeks", "years"]


def test_the_notes_of_another_folder_are_never_looked_at(tmp_path):
    files = [f"sub-{n}/ses-{m}/sub-{n}_ses-{m}_scans.json" for n in range(30) for m in range(2)]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("{}")
    notes, asked = TableNotes(explore(str(tmp_path), ""), ["scans"]), []
    notes._by_place = Counted(notes._by_place, asked)
    for file in files:
        notes.of(file.replace(".json", ".tsv"))
    assert len(asked) == 3 * len(files)  # the root, the subject's and the session's


class Counted(dict):  # type: ignore[type-arg]
    def __init__(self, places, asked):
        super().__init__(places)
        self.asked = asked

    def get(self, key, default=None):
        self.asked.append(key)
        return super().get(key, default)
