"""Which file below or beside a cohort's root is the table that was not named."""

from collections.abc import Callable, Sequence

from clinimcl.errors import UserError


def only_match(addresses: Sequence[str], is_meant: Callable[[str], object], setting: str) -> str | None:
    """The address whose file name is meant; None where none is.

    Args:
        setting: which names the table where several could be meant.

    Raises:
        UserError: several are.
    """
    found = [address for address in addresses if is_meant(address.rsplit("/", 1)[-1])]
    if len(found) > 1:
        raise UserError(f"{len(found)} tables could be meant by {setting}: {', '.join(found)}; name the one to read")
    return found[0] if found else None
