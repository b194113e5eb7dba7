from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LabelsOfRequest(_message.Message):
    __slots__ = ("kind", "things", "roles", "unlinked")
    KIND_FIELD_NUMBER: _ClassVar[int]
    THINGS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    UNLINKED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    things: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    unlinked: bool
    def __init__(self, kind: _Optional[str] = ..., things: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ..., unlinked: _Optional[bool] = ...) -> None: ...

class LabelsOf(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Labelled]
    def __init__(self, items: _Optional[_Iterable[_Union[Labelled, _Mapping[str, object]]]] = ...) -> None: ...

class HavingRequest(_message.Message):
    __slots__ = ("label", "kind", "after", "most")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    label: str
    kind: str
    after: str
    most: int
    def __init__(self, label: _Optional[str] = ..., kind: _Optional[str] = ..., after: _Optional[str] = ..., most: _Optional[int] = ...) -> None: ...

class Having(_message.Message):
    __slots__ = ("items", "after")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Labelled]
    after: str
    def __init__(self, items: _Optional[_Iterable[_Union[Labelled, _Mapping[str, object]]]] = ..., after: _Optional[str] = ...) -> None: ...

class SetRequest(_message.Message):
    __slots__ = ("changes",)
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[LabelChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[LabelChange, _Mapping[str, object]]]] = ...) -> None: ...

class LabelsSet(_message.Message):
    __slots__ = ("changed", "errors")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    changed: int
    errors: _containers.RepeatedCompositeFieldContainer[RowError]
    def __init__(self, changed: _Optional[int] = ..., errors: _Optional[_Iterable[_Union[RowError, _Mapping[str, object]]]] = ...) -> None: ...

class GroupsRequest(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class Groups(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[EntityGroup]
    def __init__(self, items: _Optional[_Iterable[_Union[EntityGroup, _Mapping[str, object]]]] = ...) -> None: ...

class Labelled(_message.Message):
    __slots__ = ("kind", "thing", "labels", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    thing: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    name: str
    def __init__(self, kind: _Optional[str] = ..., thing: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ...) -> None: ...

class LabelChange(_message.Message):
    __slots__ = ("kind", "thing", "label", "remove", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    THING_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    thing: str
    label: str
    remove: bool
    name: str
    def __init__(self, kind: _Optional[str] = ..., thing: _Optional[str] = ..., label: _Optional[str] = ..., remove: _Optional[bool] = ..., name: _Optional[str] = ...) -> None: ...

class RowError(_message.Message):
    __slots__ = ("row", "error")
    ROW_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    row: int
    error: str
    def __init__(self, row: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class EntityGroup(_message.Message):
    __slots__ = ("name", "entities")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ...) -> None: ...
