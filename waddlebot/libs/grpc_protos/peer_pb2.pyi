from waddlebot.libs.grpc_protos import ports_pb2 as _ports_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frame(_message.Message):
    __slots__ = ("items", "token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    token: str
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping[str, object]]]] = ..., token: _Optional[str] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("id", "module", "correlation_id", "timeout_ms", "execute", "ask", "deliver", "batch", "result", "answer", "outcomes", "failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    DELIVER_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: int
    module: str
    correlation_id: str
    timeout_ms: int
    execute: _ports_pb2.Call
    ask: Ask
    deliver: Sends
    batch: Batch
    result: _ports_pb2.Result
    answer: bytes
    outcomes: Outcomes
    failure: Failure
    def __init__(self, id: _Optional[int] = ..., module: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., execute: _Optional[_Union[_ports_pb2.Call, _Mapping[str, object]]] = ..., ask: _Optional[_Union[Ask, _Mapping[str, object]]] = ..., deliver: _Optional[_Union[Sends, _Mapping[str, object]]] = ..., batch: _Optional[_Union[Batch, _Mapping[str, object]]] = ..., result: _Optional[_Union[_ports_pb2.Result, _Mapping[str, object]]] = ..., answer: _Optional[bytes] = ..., outcomes: _Optional[_Union[Outcomes, _Mapping[str, object]]] = ..., failure: _Optional[_Union[Failure, _Mapping[str, object]]] = ...) -> None: ...

class Ask(_message.Message):
    __slots__ = ("contract", "method", "request", "scope")
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    contract: str
    method: str
    request: bytes
    scope: _ports_pb2.CallScope
    def __init__(self, contract: _Optional[str] = ..., method: _Optional[str] = ..., request: _Optional[bytes] = ..., scope: _Optional[_Union[_ports_pb2.CallScope, _Mapping[str, object]]] = ...) -> None: ...

class Sends(_message.Message):
    __slots__ = ("sends",)
    SENDS_FIELD_NUMBER: _ClassVar[int]
    sends: _containers.RepeatedCompositeFieldContainer[_ports_pb2.Send]
    def __init__(self, sends: _Optional[_Iterable[_Union[_ports_pb2.Send, _Mapping[str, object]]]] = ...) -> None: ...

class Outcomes(_message.Message):
    __slots__ = ("sents",)
    SENTS_FIELD_NUMBER: _ClassVar[int]
    sents: _containers.RepeatedCompositeFieldContainer[_ports_pb2.Sent]
    def __init__(self, sents: _Optional[_Iterable[_Union[_ports_pb2.Sent, _Mapping[str, object]]]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("subscriber", "events")
    SUBSCRIBER_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    subscriber: str
    events: bytes
    def __init__(self, subscriber: _Optional[str] = ..., events: _Optional[bytes] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("reason", "untouched", "lost")
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTOUCHED_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    reason: str
    untouched: bool
    lost: bool
    def __init__(self, reason: _Optional[str] = ..., untouched: _Optional[bool] = ..., lost: _Optional[bool] = ...) -> None: ...
