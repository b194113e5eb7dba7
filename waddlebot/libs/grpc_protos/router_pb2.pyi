from waddlebot.libs.grpc_protos import registration_pb2 as _registration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TracesRequest(_message.Message):
    __slots__ = ("event_id", "entity", "most")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    entity: str
    most: int
    def __init__(self, event_id: _Optional[str] = ..., entity: _Optional[str] = ..., most: _Optional[int] = ...) -> None: ...

class Traces(_message.Message):
    __slots__ = ("traces",)
    TRACES_FIELD_NUMBER: _ClassVar[int]
    traces: _containers.RepeatedCompositeFieldContainer[Trace]
    def __init__(self, traces: _Optional[_Iterable[_Union[Trace, _Mapping[str, object]]]] = ...) -> None: ...

class TallyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Tally(_message.Message):
    __slots__ = ("uptime_s", "events", "posts")
    class EventsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class PostsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Posted
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Posted, _Mapping[str, object]]] = ...) -> None: ...
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    POSTS_FIELD_NUMBER: _ClassVar[int]
    uptime_s: float
    events: _containers.ScalarMap[str, int]
    posts: _containers.MessageMap[str, Posted]
    def __init__(self, uptime_s: _Optional[float] = ..., events: _Optional[_Mapping[str, int]] = ..., posts: _Optional[_Mapping[str, Posted]] = ...) -> None: ...

class LateResponse(_message.Message):
    __slots__ = ("session", "entity", "module", "text")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    session: str
    entity: str
    module: str
    text: str
    def __init__(self, session: _Optional[str] = ..., entity: _Optional[str] = ..., module: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Responded(_message.Message):
    __slots__ = ("refused", "busy")
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    BUSY_FIELD_NUMBER: _ClassVar[int]
    refused: str
    busy: str
    def __init__(self, refused: _Optional[str] = ..., busy: _Optional[str] = ...) -> None: ...

class RegisteredRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Registered(_message.Message):
    __slots__ = ("modules",)
    MODULES_FIELD_NUMBER: _ClassVar[int]
    modules: _containers.RepeatedCompositeFieldContainer[_registration_pb2.Registration]
    def __init__(self, modules: _Optional[_Iterable[_Union[_registration_pb2.Registration, _Mapping[str, object]]]] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("event_id", "source", "community", "entity", "account", "account_login", "kind", "at", "status", "reason", "command", "module", "steps")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_LOGIN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    source: str
    community: str
    entity: str
    account: str
    account_login: str
    kind: str
    at: float
    status: str
    reason: str
    command: str
    module: str
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    def __init__(self, event_id: _Optional[str] = ..., source: _Optional[str] = ..., community: _Optional[str] = ..., entity: _Optional[str] = ..., account: _Optional[str] = ..., account_login: _Optional[str] = ..., kind: _Optional[str] = ..., at: _Optional[float] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., command: _Optional[str] = ..., module: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping[str, object]]]] = ...) -> None: ...

class Posted(_message.Message):
    __slots__ = ("delivered", "failed", "dropped", "waiting", "problem")
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    delivered: int
    failed: int
    dropped: int
    waiting: int
    problem: str
    def __init__(self, delivered: _Optional[int] = ..., failed: _Optional[int] = ..., dropped: _Optional[int] = ..., waiting: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("stage", "decision")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    stage: str
    decision: str
    def __init__(self, stage: _Optional[str] = ..., decision: _Optional[str] = ...) -> None: ...
