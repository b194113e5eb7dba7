from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Health(_message.Message):
    __slots__ = ("grade", "score", "parts", "days", "people", "words")
    GRADE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    grade: str
    score: float
    parts: _containers.RepeatedCompositeFieldContainer[HealthPart]
    days: int
    people: int
    words: str
    def __init__(self, grade: _Optional[str] = ..., score: _Optional[float] = ..., parts: _Optional[_Iterable[_Union[HealthPart, _Mapping[str, object]]]] = ..., days: _Optional[int] = ..., people: _Optional[int] = ..., words: _Optional[str] = ...) -> None: ...

class HealthPart(_message.Message):
    __slots__ = ("name", "score", "weight", "meaning")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    MEANING_FIELD_NUMBER: _ClassVar[int]
    name: str
    score: float
    weight: float
    meaning: str
    def __init__(self, name: _Optional[str] = ..., score: _Optional[float] = ..., weight: _Optional[float] = ..., meaning: _Optional[str] = ...) -> None: ...
