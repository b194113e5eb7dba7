from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Communities(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, communities: _Optional[_Iterable[str]] = ...) -> None: ...

class Contributed(_message.Message):
    __slots__ = ("contributions",)
    class ContributionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Contribution
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Contribution, _Mapping[str, object]]] = ...) -> None: ...
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    contributions: _containers.MessageMap[str, Contribution]
    def __init__(self, contributions: _Optional[_Mapping[str, Contribution]] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ("commands", "rules", "overrides", "restrictions", "disabled", "ranks", "settings", "prefix", "community_prefix", "late_s", "aliases", "native", "labels", "access", "roles", "role_labels", "filters")
    class Labels(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, value: _Optional[_Iterable[str]] = ...) -> None: ...
    class Roles(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, value: _Optional[_Iterable[str]] = ...) -> None: ...
    class RoleLabels(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, value: _Optional[_Iterable[str]] = ...) -> None: ...
    class RanksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class SettingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Contribution.Labels
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Contribution.Labels, _Mapping[str, object]]] = ...) -> None: ...
    class RolesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Contribution.Roles
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Contribution.Roles, _Mapping[str, object]]] = ...) -> None: ...
    class RoleLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Contribution.RoleLabels
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Contribution.RoleLabels, _Mapping[str, object]]] = ...) -> None: ...
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    LATE_S_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    NATIVE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ROLE_LABELS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    commands: _containers.RepeatedCompositeFieldContainer[DynamicCommand]
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    overrides: _containers.RepeatedCompositeFieldContainer[Override]
    restrictions: _containers.RepeatedCompositeFieldContainer[Restriction]
    disabled: _containers.RepeatedScalarFieldContainer[str]
    ranks: _containers.ScalarMap[str, int]
    settings: _containers.ScalarMap[str, bytes]
    prefix: str
    community_prefix: str
    late_s: float
    aliases: _containers.RepeatedCompositeFieldContainer[Alias]
    native: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.MessageMap[str, Contribution.Labels]
    access: _containers.RepeatedCompositeFieldContainer[AccessRule]
    roles: _containers.MessageMap[str, Contribution.Roles]
    role_labels: _containers.MessageMap[str, Contribution.RoleLabels]
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, commands: _Optional[_Iterable[_Union[DynamicCommand, _Mapping[str, object]]]] = ..., rules: _Optional[_Iterable[_Union[Rule, _Mapping[str, object]]]] = ..., overrides: _Optional[_Iterable[_Union[Override, _Mapping[str, object]]]] = ..., restrictions: _Optional[_Iterable[_Union[Restriction, _Mapping[str, object]]]] = ..., disabled: _Optional[_Iterable[str]] = ..., ranks: _Optional[_Mapping[str, int]] = ..., settings: _Optional[_Mapping[str, bytes]] = ..., prefix: _Optional[str] = ..., community_prefix: _Optional[str] = ..., late_s: _Optional[float] = ..., aliases: _Optional[_Iterable[_Union[Alias, _Mapping[str, object]]]] = ..., native: _Optional[_Iterable[str]] = ..., labels: _Optional[_Mapping[str, Contribution.Labels]] = ..., access: _Optional[_Iterable[_Union[AccessRule, _Mapping[str, object]]]] = ..., roles: _Optional[_Mapping[str, Contribution.Roles]] = ..., role_labels: _Optional[_Mapping[str, Contribution.RoleLabels]] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping[str, object]]]] = ...) -> None: ...

class DynamicCommand(_message.Message):
    __slots__ = ("name", "handler", "data", "bare", "least", "cooldown_s", "user_cooldown_s", "enabled", "help", "hidden")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    BARE_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    USER_COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    handler: str
    data: bytes
    bare: bool
    least: int
    cooldown_s: float
    user_cooldown_s: float
    enabled: bool
    help: str
    hidden: bool
    def __init__(self, name: _Optional[str] = ..., handler: _Optional[str] = ..., data: _Optional[bytes] = ..., bare: _Optional[bool] = ..., least: _Optional[int] = ..., cooldown_s: _Optional[float] = ..., user_cooldown_s: _Optional[float] = ..., enabled: _Optional[bool] = ..., help: _Optional[str] = ..., hidden: _Optional[bool] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("id", "pattern", "kind", "action", "value", "seconds", "case_sensitive", "priority", "entities", "exempt", "ranks", "secret_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    CASE_SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    EXEMPT_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    pattern: str
    kind: str
    action: str
    value: str
    seconds: int
    case_sensitive: bool
    priority: int
    entities: _containers.RepeatedScalarFieldContainer[str]
    exempt: int
    ranks: int
    secret_id: str
    def __init__(self, id: _Optional[str] = ..., pattern: _Optional[str] = ..., kind: _Optional[str] = ..., action: _Optional[str] = ..., value: _Optional[str] = ..., seconds: _Optional[int] = ..., case_sensitive: _Optional[bool] = ..., priority: _Optional[int] = ..., entities: _Optional[_Iterable[str]] = ..., exempt: _Optional[int] = ..., ranks: _Optional[int] = ..., secret_id: _Optional[str] = ...) -> None: ...

class Override(_message.Message):
    __slots__ = ("command", "name", "enabled", "least", "cooldown_s", "user_cooldown_s", "say_limited")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    USER_COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    SAY_LIMITED_FIELD_NUMBER: _ClassVar[int]
    command: str
    name: str
    enabled: bool
    least: int
    cooldown_s: float
    user_cooldown_s: float
    say_limited: bool
    def __init__(self, command: _Optional[str] = ..., name: _Optional[str] = ..., enabled: _Optional[bool] = ..., least: _Optional[int] = ..., cooldown_s: _Optional[float] = ..., user_cooldown_s: _Optional[float] = ..., say_limited: _Optional[bool] = ...) -> None: ...

class Restriction(_message.Message):
    __slots__ = ("account", "reason", "until", "allows", "person")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    ALLOWS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    account: str
    reason: str
    until: float
    allows: _containers.RepeatedScalarFieldContainer[str]
    person: bool
    def __init__(self, account: _Optional[str] = ..., reason: _Optional[str] = ..., until: _Optional[float] = ..., allows: _Optional[_Iterable[str]] = ..., person: _Optional[bool] = ...) -> None: ...

class Alias(_message.Message):
    __slots__ = ("name", "line", "table", "ranks")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    line: str
    table: str
    ranks: int
    def __init__(self, name: _Optional[str] = ..., line: _Optional[str] = ..., table: _Optional[str] = ..., ranks: _Optional[int] = ...) -> None: ...

class AccessRule(_message.Message):
    __slots__ = ("id", "effect", "target", "conditions", "ranks")
    ID_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    id: str
    effect: str
    target: str
    conditions: Conditions
    ranks: int
    def __init__(self, id: _Optional[str] = ..., effect: _Optional[str] = ..., target: _Optional[str] = ..., conditions: _Optional[_Union[Conditions, _Mapping[str, object]]] = ..., ranks: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("kind", "canary", "limit", "least", "share", "window_s", "exempt", "exempt_labels", "entities", "action", "seconds", "value", "phrases", "allowed", "permits")
    class PermitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_S_FIELD_NUMBER: _ClassVar[int]
    EXEMPT_FIELD_NUMBER: _ClassVar[int]
    EXEMPT_LABELS_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PHRASES_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    PERMITS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    canary: bool
    limit: int
    least: int
    share: int
    window_s: float
    exempt: int
    exempt_labels: _containers.RepeatedScalarFieldContainer[str]
    entities: _containers.RepeatedScalarFieldContainer[str]
    action: str
    seconds: int
    value: str
    phrases: _containers.RepeatedCompositeFieldContainer[Phrase]
    allowed: _containers.RepeatedScalarFieldContainer[str]
    permits: _containers.ScalarMap[str, float]
    def __init__(self, kind: _Optional[str] = ..., canary: _Optional[bool] = ..., limit: _Optional[int] = ..., least: _Optional[int] = ..., share: _Optional[int] = ..., window_s: _Optional[float] = ..., exempt: _Optional[int] = ..., exempt_labels: _Optional[_Iterable[str]] = ..., entities: _Optional[_Iterable[str]] = ..., action: _Optional[str] = ..., seconds: _Optional[int] = ..., value: _Optional[str] = ..., phrases: _Optional[_Iterable[_Union[Phrase, _Mapping[str, object]]]] = ..., allowed: _Optional[_Iterable[str]] = ..., permits: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Conditions(_message.Message):
    __slots__ = ("account", "rank", "roles", "labels", "score", "tiers", "points", "age_s", "platforms", "entities", "live", "hours", "cost", "uses", "per_s", "group", "group_s", "together")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    PLATFORMS_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    PER_S_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    GROUP_S_FIELD_NUMBER: _ClassVar[int]
    TOGETHER_FIELD_NUMBER: _ClassVar[int]
    account: str
    rank: int
    roles: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.RepeatedScalarFieldContainer[str]
    score: Range
    tiers: _containers.RepeatedScalarFieldContainer[str]
    points: Range
    age_s: Range
    platforms: _containers.RepeatedScalarFieldContainer[str]
    entities: _containers.RepeatedScalarFieldContainer[str]
    live: bool
    hours: Hours
    cost: int
    uses: int
    per_s: float
    group: str
    group_s: float
    together: bool
    def __init__(self, account: _Optional[str] = ..., rank: _Optional[int] = ..., roles: _Optional[_Iterable[str]] = ..., labels: _Optional[_Iterable[str]] = ..., score: _Optional[_Union[Range, _Mapping[str, object]]] = ..., tiers: _Optional[_Iterable[str]] = ..., points: _Optional[_Union[Range, _Mapping[str, object]]] = ..., age_s: _Optional[_Union[Range, _Mapping[str, object]]] = ..., platforms: _Optional[_Iterable[str]] = ..., entities: _Optional[_Iterable[str]] = ..., live: _Optional[bool] = ..., hours: _Optional[_Union[Hours, _Mapping[str, object]]] = ..., cost: _Optional[int] = ..., uses: _Optional[int] = ..., per_s: _Optional[float] = ..., group: _Optional[str] = ..., group_s: _Optional[float] = ..., together: _Optional[bool] = ...) -> None: ...

class Phrase(_message.Message):
    __slots__ = ("text", "kind")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    text: str
    kind: str
    def __init__(self, text: _Optional[str] = ..., kind: _Optional[str] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("at_least", "below")
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    at_least: float
    below: float
    def __init__(self, at_least: _Optional[float] = ..., below: _Optional[float] = ...) -> None: ...

class Hours(_message.Message):
    __slots__ = ("days", "start", "end", "zone")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    days: int
    start: int
    end: int
    zone: str
    def __init__(self, days: _Optional[int] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., zone: _Optional[str] = ...) -> None: ...
