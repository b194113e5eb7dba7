from waddlebot.libs.grpc_protos import view_pb2 as _view_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConfigurationsRequest(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, communities: _Optional[_Iterable[str]] = ...) -> None: ...

class Configurations(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Configuration]
    def __init__(self, items: _Optional[_Iterable[_Union[Configuration, _Mapping[str, object]]]] = ...) -> None: ...

class AdoptRequest(_message.Message):
    __slots__ = ("community", "entities")
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    community: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, community: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ...) -> None: ...

class Adopted(_message.Message):
    __slots__ = ("entities",)
    class EntitiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.ScalarMap[str, str]
    def __init__(self, entities: _Optional[_Mapping[str, str]] = ...) -> None: ...

class MembersRequest(_message.Message):
    __slots__ = ("accounts", "community")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    community: str
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., community: _Optional[str] = ...) -> None: ...

class Members(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accounts: _Optional[_Iterable[str]] = ...) -> None: ...

class CircumstancesRequest(_message.Message):
    __slots__ = ("accounts", "entity")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    entity: str
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., entity: _Optional[str] = ...) -> None: ...

class Circumstances(_message.Message):
    __slots__ = ("known_since", "live")
    KNOWN_SINCE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    known_since: float
    live: bool
    def __init__(self, known_since: _Optional[float] = ..., live: _Optional[bool] = ...) -> None: ...

class Configuration(_message.Message):
    __slots__ = ("community", "version", "entities", "contribution", "asserted")
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    ASSERTED_FIELD_NUMBER: _ClassVar[int]
    community: str
    version: int
    entities: _containers.RepeatedScalarFieldContainer[str]
    contribution: _view_pb2.Contribution
    asserted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, community: _Optional[str] = ..., version: _Optional[int] = ..., entities: _Optional[_Iterable[str]] = ..., contribution: _Optional[_Union[_view_pb2.Contribution, _Mapping[str, object]]] = ..., asserted: _Optional[_Iterable[str]] = ...) -> None: ...
