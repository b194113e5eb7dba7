from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ShowRequest(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[ConsoleLine]
    def __init__(self, lines: _Optional[_Iterable[_Union[ConsoleLine, _Mapping[str, object]]]] = ...) -> None: ...

class Shown(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ConsoleLine(_message.Message):
    __slots__ = ("id", "text", "private", "to", "to_name", "action")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TO_NAME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    private: bool
    to: str
    to_name: str
    action: str
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ..., private: _Optional[bool] = ..., to: _Optional[str] = ..., to_name: _Optional[str] = ..., action: _Optional[str] = ...) -> None: ...
