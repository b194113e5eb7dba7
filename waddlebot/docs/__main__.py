"""``python -m waddlebot.docs FOLDER``: write all reference pages into a folder."""

import sys
from pathlib import Path

from waddlebot.docs import api, commands, database, environment, events, modules, variables
from waddlebot.docs.pages import MARK, Page
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.module import Module


def pages(manifests: list[Module]) -> list[Page]:
    """Every page, from these manifests."""
    return [
        environment.page(manifests),
        modules.page(manifests),
        commands.page(manifests),
        events.page(manifests),
        api.page(manifests),
        database.page(manifests),
        variables.page(),
    ]


def own_manifests() -> list[Module]:
    """The modules of this package; what else happens to be installed is not ours to describe."""
    return [module for module in discover().values() if module.package.startswith("waddlebot.")]


def write(folder: Path) -> list[Path]:
    """Write all pages, remove those that are no longer made, and return what is there now."""
    texts = {folder / name: text for page in pages(own_manifests()) for name, text in page.files().items()}
    for old in folder.rglob("*.md"):
        if old not in texts and MARK in old.read_text(encoding="utf-8"):
            old.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return sorted(texts)


def main() -> None:
    """Write into the folder that the command line names."""
    match sys.argv[1:]:
        case [folder]:
            written = write(Path(folder))
            sys.stdout.write(f"{len(written)} pages in {folder}\n")
        case _:
            sys.exit("usage: python -m waddlebot.docs FOLDER")


if __name__ == "__main__":
    main()
