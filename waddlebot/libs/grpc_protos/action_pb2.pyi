from waddlebot.libs.grpc_protos import peer_pb2 as _peer_pb2
from waddlebot.libs.grpc_protos import ports_pb2 as _ports_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Delivery(_message.Message):
    __slots__ = ("module", "sends")
    MODULE_FIELD_NUMBER: _ClassVar[int]
    SENDS_FIELD_NUMBER: _ClassVar[int]
    module: str
    sends: _containers.RepeatedCompositeFieldContainer[_ports_pb2.Send]
    def __init__(self, module: _Optional[str] = ..., sends: _Optional[_Iterable[_Union[_ports_pb2.Send, _Mapping[str, object]]]] = ...) -> None: ...
