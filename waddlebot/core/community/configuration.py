"""A community's records as every host holds them."""

import dataclasses

from waddlebot.core.community import ranks
from waddlebot.core.community.store import Records
from waddlebot.libs.contracts.community import Configuration
from waddlebot.libs.sdk import Contribution, Override


def configuration_of(community: str, records: Records, module: str) -> Configuration:
    """What hosts must know of a community. ``module`` is the one whose settings are the community's own.

    The host stamps the version that it polled: the clock of changes is the storage layer's.
    """
    return Configuration(
        community,
        0,
        tuple(record.entity for record in records.entities),
        _contribution(records, module),
        tuple(record.entity for record in records.entities if record.brought_by),
    )


def _contribution(records: Records, module: str) -> Contribution:
    settings: dict[str, dict[str, object]] = {}
    for setting in records.settings:
        settings.setdefault(setting.module, {})[setting.name] = setting.value
    own = settings.get(module, {})
    masks = {record.account: ranks.mask_of(record.ranks) for record in records.members}
    counted = {role.name: ranks.mask_of((role.rank,)) for role in records.roles if role.rank}
    held: dict[str, list[str]] = {}
    for holder in records.holders:
        held.setdefault(holder.account, []).append(holder.role)
        if holder.role in counted:
            masks[holder.account] = masks.get(holder.account, 0) | counted[holder.role]
    return Contribution(
        overrides=tuple(Override(**dataclasses.asdict(record)) for record in records.overrides),
        disabled=tuple(record.module for record in records.switches if not record.enabled),
        native=tuple(sorted({r.entity.partition(":")[0] for r in records.entities if not r.brought_by})),
        ranks=masks,
        settings=settings,
        prefix=_text(own.get("prefix")),
        community_prefix=_text(own.get("community_prefix")),
        late_s=float(str(own["late_s"])) if "late_s" in own else None,
        access=tuple(record.compiled() for record in records.access),
        roles={account: tuple(names) for account, names in held.items()},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
