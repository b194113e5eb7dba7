from waddlebot.libs.grpc_protos import visitor_pb2 as _visitor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class SessionAnswer(_message.Message):
    __slots__ = ("visitors",)
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    visitors: _containers.RepeatedCompositeFieldContainer[_visitor_pb2.Visitor]
    def __init__(self, visitors: _Optional[_Iterable[_Union[_visitor_pb2.Visitor, _Mapping[str, object]]]] = ...) -> None: ...
