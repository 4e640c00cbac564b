"""A template of a room, filled."""

from typing import Any


def filled(room: str, template: str, context: dict[str, Any], *, escaped: bool = True) -> str:
    """`template` lies in the templates/ of the package `room`; a name that the context lacks is an error of ours."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(room),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {}  # jinja would sort keys, and with them the projections
    return environment.get_template(template).render(context)
