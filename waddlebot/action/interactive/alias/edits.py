"""A command with what somebody changed, checked; and what they should know about it."""

import dataclasses

from waddlebot.action.interactive.alias import words
from waddlebot.action.interactive.alias.grammar import Edit
from waddlebot.action.interactive.alias.rendering import Kitchen
from waddlebot.action.interactive.alias.store import CustomCommand
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.templates import TemplateError

_ADMINS_ONLY = "Only admins and the owner may let a command run platform commands."


def changed(
    command: CustomCommand, edit: Edit, kitchen: Kitchen, dialect: str, is_admin: bool
) -> tuple[CustomCommand, list[str]]:
    """The command with an edit, and sentences for who made it. ``dialect`` is tried first where none is chosen.

    Raises ``Refusal``.
    """
    fields = {name: value for name, value in edit.fields.items() if name != "bare"}
    if fields.get("may_command") and not is_admin:
        raise Refusal(_ADMINS_ONLY)
    notes: list[str] = []
    if command.may_command and edit.text and not is_admin:
        fields["may_command"] = False
        notes.append(f"It runs no platform commands any more. {_ADMINS_ONLY}")
    text = edit.text or command.text
    chosen = fields.get("dialect")
    try:
        template = kitchen.compiled(text, chosen or dialect, guess=chosen is None and bool(edit.text))
    except TemplateError as error:
        raise Refusal(str(error)) from None
    if template.dialect != dialect and template.names and chosen is None:
        notes.append(f"Its variables are read as in {template.dialect}.")
    if edit.text or chosen:
        notes += words.of_problems(template.problems, template.dialect)
    if fields.get("cost"):
        notes.append("The price is kept, and taken once there is loyalty here.")
    fields |= {"text": text, "dialect": template.dialect.value}
    return checked(dataclasses.replace(command, **fields)), notes


def checked(command: CustomCommand) -> CustomCommand:
    """The command itself. Raises ``Refusal`` where a part of it is out of bounds."""
    try:
        return build(CustomCommand, {f.name: getattr(command, f.name) for f in dataclasses.fields(command)})
    except FieldError as error:
        raise Refusal(str(error)) from None
