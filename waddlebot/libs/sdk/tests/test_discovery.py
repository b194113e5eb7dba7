"""Finding modules: our own, and those of outside packages."""

import sys
from pathlib import Path

import pytest

import waddlebot.core
from waddlebot.libs.sdk.discovery import DiscoveryError, discover

MODULE = """
from waddlebot.libs.sdk import Module
module = Module({name}, "Outside.", http_port=1, grpc_port=1, sdk_api={sdk_api})
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages can be installed into."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, package: str, code: str, point: str = "module:module") -> None:
    folder = site / package / "dice"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "module.py").write_text(code)
    info = site / f"{package}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[waddlebot.modules]\ndice = {package}.dice.{point}\n")


def test_our_own_modules_are_found_in_their_order() -> None:
    found = list(discover())
    assert {"core.community", "core.identity", "processing.router"} <= set(found)
    assert found == sorted(found)


def test_an_outside_module_is_found(outside: Path) -> None:
    install(outside, "vendora", MODULE.format(name="__name__", sdk_api=1))
    assert discover()["vendora.dice"].kind == "action"


@pytest.mark.parametrize(
    ("package", "code", "point", "words"),
    [
        ("vendorb", MODULE.format(name="__name__", sdk_api=99), "module:module", "written for SDK API 99"),
        (
            "vendorc",
            MODULE.format(name="'waddlebot.core.identity.module'", sdk_api=1),
            "module:module",
            "two modules",
        ),
        ("vendord", "1 / 0", "module:module", "cannot be imported: division by zero"),
        ("vendore", "module = 5", "module:module", "is no waddlebot Module"),
        ("vendorf", "", "module:missing", "cannot be imported"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(
    outside: Path, package: str, code: str, point: str, words: str
) -> None:
    install(outside, package, code, point)
    with pytest.raises(DiscoveryError, match=words):
        discover()


def test_a_folder_of_ours_without_a_declaration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nameless").mkdir()
    (tmp_path / "nameless" / "__init__.py").touch()
    (tmp_path / "nameless" / "module.py").write_text("x = 1")
    monkeypatch.setattr(waddlebot.core, "__path__", [*waddlebot.core.__path__, str(tmp_path)])
    with pytest.raises(DiscoveryError, match=r"waddlebot\.core\.nameless\.module declares no"):
        discover()
    sys.modules.pop("waddlebot.core.nameless.module")
    sys.modules.pop("waddlebot.core.nameless")


def test_a_library_that_our_own_module_misses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin" / "__init__.py").write_text("import no_such_library")
    monkeypatch.setattr(waddlebot, "__path__", [str(tmp_path), *waddlebot.__path__])
    for name in [name for name in sys.modules if name.startswith("waddlebot.admin")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        discover()


def test_an_outside_package_cannot_make_itself_more_than_an_action(outside: Path) -> None:
    code = MODULE.format(name="'vendorg.processing.dice.module'", sdk_api=1)
    install(outside, "vendorg", code)
    assert discover()["processing.dice"].kind == "action"
