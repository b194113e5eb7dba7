from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StandingsRequest(_message.Message):
    __slots__ = ("accounts", "together")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TOGETHER_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    together: bool
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., together: _Optional[bool] = ...) -> None: ...

class Standings(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Standing]
    def __init__(self, items: _Optional[_Iterable[_Union[Standing, _Mapping[str, object]]]] = ...) -> None: ...

class KnownRequest(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class Known(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class Standing(_message.Message):
    __slots__ = ("account", "score", "tier", "overall", "overall_tier", "activity")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    OVERALL_TIER_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    account: str
    score: float
    tier: str
    overall: float
    overall_tier: str
    activity: float
    def __init__(self, account: _Optional[str] = ..., score: _Optional[float] = ..., tier: _Optional[str] = ..., overall: _Optional[float] = ..., overall_tier: _Optional[str] = ..., activity: _Optional[float] = ...) -> None: ...
