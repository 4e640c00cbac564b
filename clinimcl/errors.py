"""The one kind of error that is shown to the user as a sentence."""


class UserError(ValueError):
    """A mistake that the user can mend: says what, where, what was expected, what came, and the fix.

    Entry points print it without a traceback and exit with code 2.
    """


def sentence(error: BaseException) -> str:
    """What it says; of one that came from a worker of a loader, without the worker's traceback."""
    said = str(error)
    from_worker = isinstance(error, UserError) and said.startswith("Caught UserError in DataLoader worker")
    return said.rpartition("UserError: ")[2].strip() if from_worker else said
