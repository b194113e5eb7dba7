from waddlebot.libs.grpc_protos import reply_pb2 as _reply_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Call(_message.Message):
    __slots__ = ("module", "handler", "event", "args", "person", "ranks", "key", "version", "timeout_s", "data", "word", "session")
    MODULE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    module: str
    handler: str
    event: bytes
    args: str
    person: str
    ranks: int
    key: str
    version: int
    timeout_s: float
    data: bytes
    word: str
    session: str
    def __init__(self, module: _Optional[str] = ..., handler: _Optional[str] = ..., event: _Optional[bytes] = ..., args: _Optional[str] = ..., person: _Optional[str] = ..., ranks: _Optional[int] = ..., key: _Optional[str] = ..., version: _Optional[int] = ..., timeout_s: _Optional[float] = ..., data: _Optional[bytes] = ..., word: _Optional[str] = ..., session: _Optional[str] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("status", "replies", "reason", "retry", "version", "away", "stalled")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    STALLED_FIELD_NUMBER: _ClassVar[int]
    status: str
    replies: _containers.RepeatedCompositeFieldContainer[_reply_pb2.Reply]
    reason: str
    retry: bool
    version: int
    away: bool
    stalled: bool
    def __init__(self, status: _Optional[str] = ..., replies: _Optional[_Iterable[_Union[_reply_pb2.Reply, _Mapping[str, object]]]] = ..., reason: _Optional[str] = ..., retry: _Optional[bool] = ..., version: _Optional[int] = ..., away: _Optional[bool] = ..., stalled: _Optional[bool] = ...) -> None: ...

class Send(_message.Message):
    __slots__ = ("id", "community", "platform", "server", "channel", "reply", "event_id", "account", "user_name")
    ID_FIELD_NUMBER: _ClassVar[int]
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    community: str
    platform: str
    server: str
    channel: str
    reply: _reply_pb2.Reply
    event_id: str
    account: str
    user_name: str
    def __init__(self, id: _Optional[str] = ..., community: _Optional[str] = ..., platform: _Optional[str] = ..., server: _Optional[str] = ..., channel: _Optional[str] = ..., reply: _Optional[_Union[_reply_pb2.Reply, _Mapping[str, object]]] = ..., event_id: _Optional[str] = ..., account: _Optional[str] = ..., user_name: _Optional[str] = ...) -> None: ...

class Sent(_message.Message):
    __slots__ = ("id", "status", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CallScope(_message.Message):
    __slots__ = ("community", "actor", "key", "at")
    COMMUNITY_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    community: str
    actor: str
    key: str
    at: str
    def __init__(self, community: _Optional[str] = ..., actor: _Optional[str] = ..., key: _Optional[str] = ..., at: _Optional[str] = ...) -> None: ...
