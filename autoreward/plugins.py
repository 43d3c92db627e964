"""Parts of the user's own, named `module:attr`: designers, trainers, engines, algorithms."""

from __future__ import annotations

import pkgutil
from typing import Any

from autoreward.errors import UserError


def find(kind: str, name: str) -> Any:  # noqa: ANN401 - whatever lies there
    """What `module:attr` names.

    Args:
        kind: what it is to be, for the message.
        name: for instance `mine.engines:Cloud`.

    Raises:
        UserError: there is no such module, or nothing of that name in it.
    """
    module, _, attribute = name.partition(":")
    try:
        return pkgutil.resolve_name(name)
    except AttributeError:
        raise UserError(f"{kind} {name!r}: module {module!r} has no {attribute!r}") from None
    except (ImportError, ValueError) as error:  # ValueError: it cannot be the name of a module
        raise UserError(f"{kind} {name!r}: module {module!r} cannot be imported: {error}") from None
