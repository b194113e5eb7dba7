"""The page of modules: what each is, has and promises."""

from collections.abc import Iterator, Sequence

from waddlebot.docs.pages import Page, Section, code, settings_table, summary_of, table
from waddlebot.libs.sdk.fields import env_name, fields_of
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.site import url_of

_ABOUT = """
One section for each module. Settings are a community admin's (`!setting set MODULE NAME VALUE`), variables an
operator's. Ports are those of a host that runs the module alone; one host for all uses `HTTP_PORT`.
"""


def page(manifests: Sequence[Module]) -> Page:
    """Every module in detail."""
    overview = table(
        ("Module", "Kind", "Commands", "What it is for"),
        [(code(m.name), m.kind, str(len(m.commands)), m.summary) for m in manifests],
    )
    sections = [Section(module.name, "\n".join(_details(module, manifests))) for module in manifests]
    return Page("modules", "Modules", f"{_ABOUT}\n{overview}", sections)


def _details(module: Module, manifests: Sequence[Module]) -> Iterator[str]:
    yield f"{module.summary}\n"
    folder = module.package.replace(".", "/")
    facts = [
        f"Folder `{folder}/`; HTTP {module.http_port}, gRPC {module.grpc_port}.",
        *(["It cannot be switched off."] if module.always_on else []),
        *([f"It delivers replies to the platform `{module.delivers}`."] if module.delivers else []),
        *_contracts(module, manifests),
    ]
    yield "\n".join(f"- {fact}" for fact in facts) + "\n"
    if module.settings is not None:
        yield "**Settings**\n\n" + settings_table(module.settings)
    if module.config is not None:
        names = ", ".join(code(env_name(module.name, info)) for info in fields_of(module.config))
        yield f"**Variables**: {names}\n"
    if module.commands:
        yield (
            "**Commands**: "
            + ", ".join(code(f"!{c.name}") for c in module.commands.values() if not c.hidden)
            + "\n"
        )
    yield from _events(module)
    doors = [
        (
            code(f"{route.method} {route.path if route.page else url_of(module, route.path)}"),
            str(route.role or "anybody"),
            summary_of(route.handler),
        )
        for route in module.routes
    ] + [(code(f"POST {url_of(module, m.path)}"), str(m.role), summary_of(m.factory)) for m in module.mounts]
    if doors:
        yield "**HTTP**\n\n" + table(("Door", "Role", "What it does"), doors)


def _contracts(module: Module, manifests: Sequence[Module]) -> Iterator[str]:
    keepers = {contract: other.name for other in manifests for contract, _ in other.promises}
    promised = sorted(f"{contract}.{method}" for contract, method in module.promises)
    if promised:
        yield f"It answers {', '.join(map(code, promised))}."
    used = [f"{code(contract.__name__)} ({keepers.get(contract.__name__, 'nobody')})" for contract in module.uses]
    if used:
        yield f"It asks {', '.join(used)}."


def _events(module: Module) -> Iterator[str]:
    lines = [
        *(f"- answers `{a.kind}`: {summary_of(a.handler)}" for a in module.answering),
        *(f"- observes {', '.join(map(code, o.kinds))}: {summary_of(o.handler)}" for o in module.observers),
        *(f"- every {job.every_s:g} s: {summary_of(job.handler)}" for job in module.jobs),
    ]
    if module.runner is not None:
        lines.append(f"- for the life of the host: {summary_of(module.runner)}")
    if lines:
        yield "**Events and time**\n\n" + "\n".join(lines) + "\n"
