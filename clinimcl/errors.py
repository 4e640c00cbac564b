"""The one kind of error that is shown to the user as a sentence."""


class UserError(ValueError):
    """A mistake that the user can mend: says what, where, what was expected, what came, and the fix.

    Entry points print it without a traceback and exit with code 2.
    """
