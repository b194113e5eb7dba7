"""Storage: one AsyncDAL per process, over PyDAL, on SQLite or PostgreSQL."""

from waddlebot.libs.dal.effects import EffectKey
from waddlebot.libs.dal.errors import Busy, Conflict, DalError, Invalid, SchemaError, ScopeError, Unavailable
from waddlebot.libs.dal.resource import Resource, resource, resource_of
from waddlebot.libs.dal.scopes import Batch, Community, Scope, System
from waddlebot.libs.dal.store import Store, configures, reads, writes
from waddlebot.libs.dal.table import Column, Table

__all__ = [
    "Batch",
    "Busy",
    "Column",
    "Community",
    "Conflict",
    "DalError",
    "EffectKey",
    "Invalid",
    "Resource",
    "SchemaError",
    "Scope",
    "ScopeError",
    "Store",
    "System",
    "Table",
    "Unavailable",
    "configures",
    "reads",
    "resource",
    "resource_of",
    "writes",
]
