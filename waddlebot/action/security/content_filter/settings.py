"""How each filter is set: what a community may change, and what holds where it did not."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

from waddlebot.libs.sdk import Field, Filter, Phrase, Rank, admits, resource
from waddlebot.libs.sdk.view import FilterAction, FilterKind

MODES = ("off", "on", "canary")
ACTIONS = ("delete", "warn", "timeout")
NOBODY = "nobody"
"""Exempt from a filter: it holds for moderators and owners, too."""
MESSAGE_LENGTH_MAX = 300
TIMEOUT_S_MAX = 1_209_600
"""Two weeks: the longest timeout of Twitch (https://dev.twitch.tv/docs/api/reference/#ban-user)."""
_RANKS = (NOBODY, *(str(rank.name).lower() for rank in Rank))


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all filters of a community."""

    hours: Annotated[
        float,
        Field("Hours that chat is kept for back-tests and nukes; 0 keeps none.", at_least=0, at_most=720),
    ] = 24.0


@resource(key=("kind",), table="filter")
@dataclasses.dataclass(frozen=True, slots=True)
class FilterSetting:
    """One filter of a community."""

    kind: Annotated[str, Field("What it looks for.")]
    mode: Annotated[str, Field("Whether it is on; a canary only counts what it finds.", choices=MODES)] = "off"
    most: Annotated[int, Field("How many are too many.", at_least=0, at_most=10_000)] = 0
    least: Annotated[int, Field("Characters of the lines that count.", at_least=0, at_most=500)] = 0
    share: Annotated[int, Field("Per cent of the line that they must be.", at_least=0, at_most=100)] = 0
    window_s: Annotated[float, Field("Within how many seconds.", at_least=0, at_most=3_600)] = 0.0
    exempt: Annotated[str, Field("The least rank it leaves alone, or nobody.", choices=_RANKS)] = "moderator"
    exempt_labels: Annotated[tuple[str, ...], Field("Labels whose holders it leaves alone.")] = ()
    entities: Annotated[tuple[str, ...], Field("Where it holds; empty for everywhere.")] = ()
    action: Annotated[str, Field("What is done at once.", choices=ACTIONS)] = "delete"
    seconds: Annotated[int, Field("How long a timeout is.", at_least=1, at_most=TIMEOUT_S_MAX)] = 5
    message: Annotated[str, Field("What is said; {name} is who wrote.", length_max=MESSAGE_LENGTH_MAX)] = ""
    silent: Annotated[bool, Field("Whether nothing is said.")] = False
    allowed: Annotated[tuple[str, ...], Field("Domains that links may lead to.")] = ()

    def compiled(self, phrases: tuple[Phrase, ...] = (), permits: Mapping[str, float] | None = None) -> Filter:
        """The filter as the router runs it."""
        exempt = 0 if self.exempt == NOBODY else admits(Rank[self.exempt.upper()])
        is_blocklist, is_links = self.kind == "blocklist", self.kind == "links"
        return Filter(
            KINDS[self.kind], self.mode == "canary", self.most, self.least, self.share, self.window_s, exempt,
            self.exempt_labels, self.entities, _ACTIONS[self.action], self.seconds,
            "" if self.silent else self.message, phrases if is_blocklist else (), self.allowed if is_links else (),
            dict(permits or {}) if is_links else {},
        )  # fmt: skip


_ACTIONS: dict[str, FilterAction] = {"delete": "delete", "warn": "warn", "timeout": "timeout"}


def _standard(kind: FilterKind, message: str, **values: Any) -> tuple[FilterKind, FilterSetting]:
    return kind, FilterSetting(kind, message=f"@{{name}}, {message}", **values)


# The numbers of rate and duplicates are those of WaddleBot v1 (5 in 10 s; 3 of the last 10 in 5 min).
_STANDARD: dict[FilterKind, FilterSetting] = dict(
    (
        _standard("blocklist", "please watch your words."),
        _standard("links", "please ask a moderator for a permit before you post links."),
        _standard("crowd", "that has been said here often enough.", most=5, window_s=60, least=20),
        _standard("duplicates", "please do not repeat yourself.", most=3, window_s=300, least=5),
        _standard("rate", "please slow down.", most=5, window_s=10),
        _standard("zalgo", "please write plain letters.", most=4),
        _standard("caps", "please do not shout.", most=12, share=70),
        _standard("symbols", "please use fewer symbols.", most=15, share=50),
        _standard("emotes", "please use fewer emotes.", most=12),
        _standard("characters", "please do not repeat characters.", most=20),
        _standard("words", "please do not repeat words.", most=10, share=50),
        _standard("length", "that is too long; please write shorter lines.", most=400),
    )
)
KINDS: dict[str, FilterKind] = {kind: kind for kind in _STANDARD}
"""Every filter there is, the gravest first."""
ALSO: dict[str, tuple[FilterKind, ...]] = {
    "blacklist": ("blocklist",), "words_blocked": ("blocklist",), "link": ("links",), "cap": ("caps",),
    "symbol": ("symbols",), "emote": ("emotes",), "repetition": ("characters", "words"),
    "repetitions": ("characters", "words"), "spam": ("rate",), "flood": ("rate",), "duplicate": ("duplicates",),
    "marks": ("zalgo",),
}  # fmt: skip
"""Other words for filters, some of them Nightbot's."""
USES: dict[str, tuple[str, ...]] = {
    "most": ("crowd", "duplicates", "rate", "zalgo", "caps", "symbols", "emotes", "characters", "words", "length"),
    "share": ("caps", "symbols", "words"),
    "least": ("crowd", "duplicates"),
    "window_s": ("crowd", "duplicates", "rate"),
    "allowed": ("links",),
}
"""Which filters have which number."""
LEAST_MOST: dict[str, int] = {"characters": 4, "words": 2, "duplicates": 2, "crowd": 2}
"""The least that is too many; 1 where it is not said."""
MOST_MOST: dict[str, int] = {"rate": 100}
"""The most that may be too many; 10,000 where it is not said. So many times of each account are in memory."""


def problem_of(setting: FilterSetting) -> str:
    """Why a filter cannot be set so; empty for one that can."""
    if setting.kind not in KINDS:
        return f"There is no filter {setting.kind[:40]!r}. There are: {', '.join(KINDS)}."
    least, most = LEAST_MOST.get(setting.kind, 1), MOST_MOST.get(setting.kind, 10_000)
    if setting.kind in USES["most"] and not least <= setting.most <= most:
        return f"most of {setting.kind} is {least} to {most}."
    return ""


def standard(kind: str) -> FilterSetting:
    """A filter as it is before anybody changes it: off."""
    return _STANDARD[KINDS[kind]]
