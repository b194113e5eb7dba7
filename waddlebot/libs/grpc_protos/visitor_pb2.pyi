from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Visitor(_message.Message):
    __slots__ = ("user", "session", "accounts", "roles", "proved_at")
    USER_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    PROVED_AT_FIELD_NUMBER: _ClassVar[int]
    user: str
    session: str
    accounts: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    proved_at: float
    def __init__(self, user: _Optional[str] = ..., session: _Optional[str] = ..., accounts: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ..., proved_at: _Optional[float] = ...) -> None: ...
