"""Effects happen once: the key under which a delivery's writes are remembered.

Each `@writes` of a delivery stores `(key, step, result)` in its module's own `_effect` table, in the
transaction of the effect itself. The same delivery again finds the row, and gets the stored result instead of a
second effect.
"""

from typing import NamedTuple

from waddlebot.libs.dal.table import Column, Table


class EffectKey(NamedTuple):
    """One delivery: the event's (or batch's) id and the handler it goes to, `module.handler`.

    `whole` is the delivery that this one was split from, if any: a step which that has done is done.
    """

    event: str
    handler: str
    whole: str = ""

    def __str__(self) -> str:
        return f"{self.event}/{self.handler}"


EFFECT = Table(
    "_effect",
    (
        Column("key", "text"),
        Column("step", "text"),
        Column("result", "bytes", null=True),
        Column("at", "real"),
    ),
    key=("key", "step"),
    scoped=False,
)
"""`result` is the method's return value in msgpack; SQL null stands for None, by far the most frequent."""
