"""What may be a label, a thing and a role, in words that say what to do where it may not."""

import re
from collections.abc import Collection

from waddlebot.libs.contracts.labels import LIMITS, OWN_KINDS, LabelChange
from waddlebot.libs.sdk.rank import PLATFORM_ROLES

THING_LENGTH_MAX = 200
NAME_LENGTH_MAX = 100
ROLE_LENGTH_MAX = 100
"""Discord's roles have names of at most 100 characters (Discord Developer Docs, Permissions, Role Object)."""

_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_ACCOUNT = re.compile(r"[a-z][a-z0-9_]{0,30}:\S{1,160}")
_GROUP = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def label_problem(label: str) -> str:
    """Why a word is no label; empty for one that is."""
    if _LABEL.fullmatch(label):
        return ""
    return f"{label[:40]!r} is no label: write up to 32 of a-z, 0-9 and -, such as event-autoapprove."


def group_problem(name: str) -> str:
    """Why a word is no name of an entity group; empty for one that is."""
    if _GROUP.fullmatch(name):
        return ""
    return f"{name[:40]!r} is no name of a group: write up to 32 of a-z, 0-9, - and _."


def role_problem(role: str) -> str:
    """Why no label can ask for a platform's role; empty for one that it can."""
    if not role or len(role) > ROLE_LENGTH_MAX or not role.isprintable():
        return f"A role has 1 to {ROLE_LENGTH_MAX} characters."
    if role.casefold() in PLATFORM_ROLES:
        return f"The role {role} makes a rank, and no label gives a rank. Give it on the platform itself."
    return ""


def problem_of(change: LabelChange, places: Collection[str]) -> str:
    """Why a change cannot be meant; empty for one that can.

    ``places`` are communities, modules and groups that exist, each as ``kind:thing``.
    """
    if change.kind not in LIMITS:
        return f"There is no kind {change.kind[:40]!r}: write one of {', '.join(LIMITS)}."
    if problem := label_problem(change.label):
        return problem
    if not change.thing or len(change.thing) > THING_LENGTH_MAX or not change.thing.isprintable():
        return f"A thing is named by 1 to {THING_LENGTH_MAX} characters."
    if len(change.name) > NAME_LENGTH_MAX or not (change.name.isprintable() or not change.name):
        return f"A name has at most {NAME_LENGTH_MAX} characters."
    if change.kind == "user":
        return (
            "" if _ACCOUNT.fullmatch(change.thing) else f"{change.thing!r} is no account: write platform:user_id."
        )
    if change.kind in OWN_KINDS and not change.remove and f"{change.kind}:{change.thing}" not in places:
        return f"There is no {change.kind} {change.thing} here."
    return ""
