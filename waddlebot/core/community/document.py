"""A community's configuration as a readable document: YAML that people keep, compare, edit and bring back.

A document has a section per module. What stands in a section is all that is to be set there, so a record that is
left out is removed; a module without a section stays as it is. Records with one word as their key are listed by
it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from waddlebot.core.community.incoming import check
from waddlebot.libs.dal import Configuration, Resource, Wanted, resource_of
from waddlebot.libs.sdk import FieldError, Module, Refusal
from waddlebot.libs.sdk.fields import build, fields_of

FORMAT = 1
LENGTH_MAX = 2_000_000
"""Characters of a document: many times what the largest community has, little enough to be read at once."""
RECORDS_MAX = 50_000
DEPTH_MAX = 12
"""How deep a document may be nested; ours is 7 deep at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says: records by module and resource."""

    records: Mapping[str, Mapping[str, Sequence[Any]]]


class _Loader(yaml.SafeLoader):
    """Plain values alone: dates stay text, and a key that stands twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Refusal(f"Line {key.start_mark.line + 1}: a name is a word, no list or mapping.")
            if key.value in seen:
                raise Refusal(f"Line {key.start_mark.line + 1}: {key.value[:80]!r} stands there twice.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def resources_of(manifests: Mapping[str, Module]) -> dict[str, dict[str, Resource]]:
    """The portable resources of every module, by their names."""
    found = {}
    for name, module in manifests.items():
        declared = [resource_of(cls) for cls in module.store.resources] if module.store is not None else []
        if portable := {one.name: one for one in declared if one.portable}:
            found[name] = portable
    return found


def written(community: str, given: Configuration, manifests: Mapping[str, Module]) -> str:
    """The document of a community. Secret settings are left out, and stay where they are."""
    sections: dict[str, Any] = {}
    for module, resources in resources_of(manifests).items():
        records = given.records.get(module, {})
        sections[module] = {
            name: _shown(resource, kept)
            for name, resource in resources.items()
            if (kept := [one for one in records.get(name, ()) if not is_secret(module, one, manifests)])
        }
    document = {"waddlebot": FORMAT, "community": community, "version": given.version, "configuration": sections}
    return yaml.dump(document, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=100)


def read(text: str, manifests: Mapping[str, Module]) -> Document:
    """What a document says, each record checked by itself. Raises ``Refusal`` that names the place and what is
    wrong.
    """
    raw = _loaded(text)
    if (
        not isinstance(raw, dict)
        or raw.get("waddlebot") != FORMAT
        or not isinstance(raw.get("configuration"), dict)
    ):
        raise Refusal(
            f"This is no configuration of ours: it begins with `waddlebot: {FORMAT}`, as an export does."
        )
    _check_keys("the document", raw, ("waddlebot", "community", "version", "configuration"))
    known = resources_of(manifests)
    _check_keys("configuration", raw["configuration"], known)
    found: dict[str, dict[str, list[Any]]] = {}
    count = 0
    for module, section in raw["configuration"].items():
        section = {} if section is None else section
        if not isinstance(section, dict):
            raise Refusal(f"{module}: write its resources below it, or {{}} for none.")
        _check_keys(module, section, known[module])
        found[module] = {name: [] for name in known[module]}
        for name, entries in section.items():
            records = list(_records(f"{module} {name}", known[module][name], entries))
            count += len(records)
            found[module][name] = records
    if count > RECORDS_MAX:
        raise Refusal(f"There are {count} records; a document has at most {RECORDS_MAX}.")
    check(found, manifests)
    return Document(found)


def wanted(document: Document, given: Configuration, manifests: Mapping[str, Module]) -> list[Wanted]:
    """How records are to be for the community to be as the document says: those that are there and those that are
    not.
    """
    found = []
    for module, resources in resources_of(manifests).items():
        if module not in document.records:
            continue
        for name, resource in resources.items():
            said = {resource.key_of(record): record for record in document.records[module].get(name, ())}
            for key, record in said.items():
                found.append(Wanted(module, name, key, record))
            for record in given.records.get(module, {}).get(name, ()):
                key = resource.key_of(record)
                if key not in said and not is_secret(module, record, manifests):
                    found.append(Wanted(module, name, key, None))
    return found


def is_secret(module: str, record: Any, manifests: Mapping[str, Module]) -> bool:
    """Whether a record is a setting that nobody may read."""
    of = manifests.get(getattr(record, "module", "")) if type(record).__name__ == "Setting" else None
    infos = fields_of(of.settings) if of is not None and of.settings else ()
    return any(info.name == record.name and info.field.secret for info in infos)


def _shown(resource: Resource, records: Iterable[Any]) -> Any:
    named = len(resource.key) == 1
    found: Any = {} if named else []
    for record in records:
        fields = {name: _plain(getattr(record, name)) for name in resource.fields if not _is_default(record, name)}
        if named:
            found[str(fields.pop(resource.key[0]))] = fields
        else:
            found.append({name: _plain(getattr(record, name)) for name in resource.key} | fields)
    return found


def _is_default(record: Any, name: str) -> bool:
    info = next(info for info in fields_of(type(record)) if info.name == name)
    return not info.required and getattr(record, name) == info.default


def _plain(value: Any) -> Any:
    """A value in plain types, without what is as it comes."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {
            field.name: _plain(one)
            for field in fields
            if (one := getattr(value, field.name)) != _default_of(field)
        }
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(one) for one in value]
    return msgspec.to_builtins(value)


def _default_of(field: Any) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else msgspec.NODEFAULT


def _loaded(text: str) -> Any:
    if len(text) > LENGTH_MAX:
        raise Refusal(f"A document has at most {LENGTH_MAX:,} characters, not {len(text):,}.")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            # A name for a part of the document could make it many times as long as it looks.
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise Refusal(f"Line {_line(event)}: & and * are not for documents of ours.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_MAX:
                raise Refusal(f"Line {_line(event)}: that is nested too deep.")
        return yaml.load(text, Loader=_Loader)  # noqa: S506  it is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"Line {mark.line + 1}: " if mark else ""
        raise Refusal(f"{where}this is no YAML: {getattr(error, 'problem', None) or error}") from None
    except (ValueError, RecursionError) as error:  # numbers of too many digits, and the like
        raise Refusal(f"This cannot be read: {error}") from None


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def _records(place: str, resource: Resource, entries: Any) -> Iterator[Any]:
    key = resource.key[0]
    if len(resource.key) == 1 and isinstance(entries, dict):
        for name, fields in entries.items():
            fields = {} if fields is None else fields
            if not isinstance(fields, dict) or key in fields:
                raise Refusal(f"{place} {name}: write its fields below it, without {key}.")
            yield _record(f"{place} {name}", resource, {key: str(name), **fields})
    elif len(resource.key) > 1 and isinstance(entries, list):
        seen: set[tuple[Any, ...]] = set()
        for number, fields in enumerate(entries, 1):
            if not isinstance(fields, dict):
                raise Refusal(f"{place}, number {number}: write its fields below it.")
            record: Any = _record(f"{place}, number {number}", resource, fields)
            if (named := resource.key_of(record)) in seen:
                raise Refusal(f"{place}, number {number}: {' '.join(map(str, named))} stands there twice.")
            seen.add(named)
            yield record
    elif entries:
        raise Refusal(f"{place}: write {'names with fields below them' if len(resource.key) == 1 else 'a list'}.")


def _record(place: str, resource: Resource, fields: dict[Any, Any]) -> Any:
    _check_keys(place, fields, resource.fields)
    try:
        record: Any = build(resource.type, fields)
    except (FieldError, msgspec.ValidationError, TypeError, ValueError) as error:
        raise Refusal(f"{place}: {error}") from None
    for name, raw in fields.items():
        _check_nested(f"{place}, {name}", raw, msgspec.to_builtins(getattr(record, name)))
    return record


def _check_nested(place: str, raw: Any, understood: Any) -> None:
    """Raise ``Refusal`` for a field within a field that nobody knows: it would be dropped without a word."""
    if isinstance(raw, dict) and isinstance(understood, dict):
        _check_keys(place, raw, understood)
        for name in raw:
            _check_nested(f"{place}, {name}", raw[name], understood[name])


def _check_keys(place: str, given: Mapping[Any, Any], known: Iterable[str]) -> None:
    if unknown := [str(name) for name in given if name not in known]:
        raise Refusal(f"{place}: {unknown[0][:80]!r} is unknown. Known are: {', '.join(known)}.")
