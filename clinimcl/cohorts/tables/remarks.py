"""What a user must know of how tables were read, counted."""

import pandas as pd


class Remarks:
    """Sentences that begin with a count; equal ones are counted together.

    A sentence names tables and columns, no subject and no path.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, number: int, sentence: str) -> None:
        """Note a sentence that holds of `number` things; of none it is not noted."""
        if number:
            self._counts[sentence] = self._counts.get(sentence, 0) + int(number)

    def count_strangers(self, scanned: pd.Series, listed: pd.Series, table: str) -> None:
        """Note how many people of the scans no row names, and how many rows are of nobody scanned."""
        people = pd.Series(scanned.unique())
        self.count(int((~people.isin(listed)).sum()), f"of {len(people)} people with scans are in no row of {table}")
        self.count(int((~listed.isin(people)).sum()), f"rows of {table} are of people of whom no scan is read")

    def sentences(self) -> tuple[str, ...]:
        """In the order in which they were noted first."""
        return tuple(f"{number} {sentence}" for sentence, number in self._counts.items())
