"""The words every module is written in. Start with :class:`Module` and :class:`Context`."""

from waddlebot.libs.dal import (
    Batch,
    Column,
    Community,
    Scope,
    Store,
    System,
    Table,
    configures,
    reads,
    resource,
    writes,
)
from waddlebot.libs.sdk.arguments import Login, Rest, Seconds, UsageError
from waddlebot.libs.sdk.context import BatchContext, Context, RouteContext, ServiceContext, Services, render
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.event import CHAT_MESSAGE, COMMAND_EXECUTED, EVENT_VERSION, MEMBER_WARNED, Event
from waddlebot.libs.sdk.fields import Field, FieldError
from waddlebot.libs.sdk.gathering import Crowd, Events, Gathered
from waddlebot.libs.sdk.module import Answer, Command, Job, Module, Mount, Observer, Route
from waddlebot.libs.sdk.ports import Call, CallError, CallScope, EventBatch, EventResult, Result, Send, Sent
from waddlebot.libs.sdk.rank import Rank, Role, admits
from waddlebot.libs.sdk.reply import Answers, Refusal, Reply, listed
from waddlebot.libs.sdk.view import Alias, Contribution, DynamicCommand, Override, Restriction, Rule

__all__ = [
    "CHAT_MESSAGE",
    "COMMAND_EXECUTED",
    "EVENT_VERSION",
    "MEMBER_WARNED",
    "Alias",
    "Answer",
    "Answers",
    "Batch",
    "BatchContext",
    "Call",
    "CallError",
    "CallScope",
    "Column",
    "Command",
    "Community",
    "Context",
    "Contract",
    "Contribution",
    "Crowd",
    "DynamicCommand",
    "Event",
    "EventBatch",
    "EventResult",
    "Events",
    "Field",
    "FieldError",
    "Gathered",
    "Job",
    "Login",
    "Module",
    "Mount",
    "Observer",
    "Override",
    "Rank",
    "Refusal",
    "Reply",
    "Rest",
    "Restriction",
    "Result",
    "Role",
    "Route",
    "RouteContext",
    "Rule",
    "Scope",
    "Seconds",
    "Send",
    "Sent",
    "ServiceContext",
    "Services",
    "Store",
    "System",
    "Table",
    "UsageError",
    "admits",
    "configures",
    "listed",
    "reads",
    "render",
    "resource",
    "writes",
]
