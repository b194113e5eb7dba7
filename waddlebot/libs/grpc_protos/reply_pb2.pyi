from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Reply(_message.Message):
    __slots__ = ("text", "action", "private", "may_command", "data")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    MAY_COMMAND_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    text: str
    action: str
    private: bool
    may_command: bool
    data: bytes
    def __init__(self, text: _Optional[str] = ..., action: _Optional[str] = ..., private: _Optional[bool] = ..., may_command: _Optional[bool] = ..., data: _Optional[bytes] = ...) -> None: ...
