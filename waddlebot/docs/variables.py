"""The page of template variables."""

from waddlebot.docs.pages import Page, Section, code, table
from waddlebot.libs.templates import catalogue

_ABOUT = """
What custom commands, aliases, timers and settings may fill in. A command is written in the dialect its author
knows: ours, Nightbot's or StreamElements'. A value is data: it is never looked through for variables or
commands again. An unknown variable stays as it is written, and is reported when the command is saved.
"""


def page() -> Page:
    """The catalogue of variables."""
    missing = table(
        ("Variable", "Whose service"), [(code(name), whose) for name, whose in catalogue.NOT_HERE.items()]
    )
    return Page(
        "template-variables",
        "Template variables",
        _ABOUT,
        [
            Section("variables", catalogue.table()),
            Section(
                "not-here",
                f"Variables of other bots that ask a service of theirs; they stay as written.\n\n{missing}",
            ),
        ],
    )
