from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SayRequest(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[Line]
    def __init__(self, lines: _Optional[_Iterable[_Union[Line, _Mapping[str, object]]]] = ...) -> None: ...

class Said(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping[str, object]]]] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Status(_message.Message):
    __slots__ = ("connections", "unread", "dropped")
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[Connection]
    unread: _containers.RepeatedScalarFieldContainer[str]
    dropped: int
    def __init__(self, connections: _Optional[_Iterable[_Union[Connection, _Mapping[str, object]]]] = ..., unread: _Optional[_Iterable[str]] = ..., dropped: _Optional[int] = ...) -> None: ...

class Line(_message.Message):
    __slots__ = ("id", "server", "channel", "text", "nick", "may_command")
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NICK_FIELD_NUMBER: _ClassVar[int]
    MAY_COMMAND_FIELD_NUMBER: _ClassVar[int]
    id: str
    server: str
    channel: str
    text: str
    nick: str
    may_command: bool
    def __init__(self, id: _Optional[str] = ..., server: _Optional[str] = ..., channel: _Optional[str] = ..., text: _Optional[str] = ..., nick: _Optional[str] = ..., may_command: _Optional[bool] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("id", "refusal", "holder")
    ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    id: str
    refusal: str
    holder: str
    def __init__(self, id: _Optional[str] = ..., refusal: _Optional[str] = ..., holder: _Optional[str] = ...) -> None: ...

class Connection(_message.Message):
    __slots__ = ("server", "phase", "nick", "wanted", "joined", "ready", "error", "failures", "retry_in_s")
    class FailuresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SERVER_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    NICK_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    RETRY_IN_S_FIELD_NUMBER: _ClassVar[int]
    server: str
    phase: str
    nick: str
    wanted: int
    joined: int
    ready: bool
    error: str
    failures: _containers.ScalarMap[str, str]
    retry_in_s: float
    def __init__(self, server: _Optional[str] = ..., phase: _Optional[str] = ..., nick: _Optional[str] = ..., wanted: _Optional[int] = ..., joined: _Optional[int] = ..., ready: _Optional[bool] = ..., error: _Optional[str] = ..., failures: _Optional[_Mapping[str, str]] = ..., retry_in_s: _Optional[float] = ...) -> None: ...
