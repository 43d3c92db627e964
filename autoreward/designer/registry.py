"""Finding a Designer by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from autoreward import plugins
from autoreward.config import Effort
from autoreward.designer.contract import Designer
from autoreward.errors import UnknownName, UserError

if TYPE_CHECKING:
    from autoreward.llm.contract import Chat
    from autoreward.prompts.render import Templates

DESIGNERS = ("composer", "llm")


def find_designer(
    name: str, chat: Chat | None = None, templates: Templates | None = None, effort: Effort = "full"
) -> Designer:
    """The Designer of that name.

    Args:
        name: `composer`, `llm`, or `module:attr` of a class or function that takes no argument and gives a Designer.
        chat: the language model; needed by `llm`.
        templates: the prompts; needed by `llm`.
        effort: of the language model.

    Raises:
        UnknownName: there is no such designer.
        UserError: `llm` without a language model, or a `module:attr` that is no Designer.
    """
    if name == "composer":
        from autoreward.designer.composer import Composer

        return Composer()
    if name == "llm":
        if chat is None or templates is None:
            raise UserError("designer llm needs a language model: set OPENAI_API_KEY or OPENAI_BASE_URL")
        from autoreward.designer.llm import LLMDesigner

        return LLMDesigner(chat, templates, effort)
    if ":" not in name:
        raise UnknownName("designer", name, DESIGNERS, "Known: composer, llm, or module:attr of your own.")
    return _load(name)


def _load(name: str) -> Designer:
    found = plugins.find("designer", name)
    try:
        designer = found() if isinstance(found, type) or not hasattr(found, "propose") else found
    except TypeError as error:
        raise UserError(f"designer {name!r} cannot be made without arguments: {error}") from None
    if not (callable(getattr(designer, "propose", None)) and callable(getattr(designer, "repair", None))):
        raise UserError(f"designer {name!r} has no propose(brief) and repair(brief, refused, reason, attempt)")
    return cast("Designer", designer)
