from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CommandChange(_message.Message):
    __slots__ = ("name", "ranks", "level", "cooldown_s", "user_cooldown_s", "enabled")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    USER_COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    name: str
    ranks: int
    level: str
    cooldown_s: float
    user_cooldown_s: float
    enabled: bool
    def __init__(self, name: _Optional[str] = ..., ranks: _Optional[int] = ..., level: _Optional[str] = ..., cooldown_s: _Optional[float] = ..., user_cooldown_s: _Optional[float] = ..., enabled: _Optional[bool] = ...) -> None: ...

class CommandChanged(_message.Message):
    __slots__ = ("found", "words", "refused")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    found: bool
    words: str
    refused: bool
    def __init__(self, found: _Optional[bool] = ..., words: _Optional[str] = ..., refused: _Optional[bool] = ...) -> None: ...
