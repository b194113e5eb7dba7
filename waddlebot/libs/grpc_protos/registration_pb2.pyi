from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Registration(_message.Message):
    __slots__ = ("name", "manifest", "by", "registered_at", "heard_at", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    HEARD_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    manifest: Manifest
    by: str
    registered_at: float
    heard_at: float
    state: str
    def __init__(self, name: _Optional[str] = ..., manifest: _Optional[_Union[Manifest, _Mapping[str, object]]] = ..., by: _Optional[str] = ..., registered_at: _Optional[float] = ..., heard_at: _Optional[float] = ..., state: _Optional[str] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("summary", "commands", "http")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    HTTP_FIELD_NUMBER: _ClassVar[int]
    summary: str
    commands: _containers.RepeatedCompositeFieldContainer[CommandManifest]
    http: str
    def __init__(self, summary: _Optional[str] = ..., commands: _Optional[_Iterable[_Union[CommandManifest, _Mapping[str, object]]]] = ..., http: _Optional[str] = ...) -> None: ...

class CommandManifest(_message.Message):
    __slots__ = ("name", "help", "arguments", "aliases", "rank", "cooldown_s", "user_cooldown_s", "limited", "community", "hidden", "timeout_s")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    USER_COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    LIMITED_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    name: str
    help: str
    arguments: _containers.RepeatedCompositeFieldContainer[ArgumentManifest]
    aliases: _containers.RepeatedScalarFieldContainer[str]
    rank: str
    cooldown_s: float
    user_cooldown_s: float
    limited: str
    community: bool
    hidden: bool
    timeout_s: float
    def __init__(self, name: _Optional[str] = ..., help: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[ArgumentManifest, _Mapping[str, object]]]] = ..., aliases: _Optional[_Iterable[str]] = ..., rank: _Optional[str] = ..., cooldown_s: _Optional[float] = ..., user_cooldown_s: _Optional[float] = ..., limited: _Optional[str] = ..., community: _Optional[bool] = ..., hidden: _Optional[bool] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class ArgumentManifest(_message.Message):
    __slots__ = ("name", "type", "help", "optional", "choices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    help: str
    optional: bool
    choices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., help: _Optional[str] = ..., optional: _Optional[bool] = ..., choices: _Optional[_Iterable[str]] = ...) -> None: ...
