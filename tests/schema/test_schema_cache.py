"""The compiled schema in the cache folder and in the package: found, used, distrusted, rebuilt."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.errors import SchemaError
from projects_cli.private_files import cache_folder
from projects_cli.schema.cache import load, shipped_file

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).parents[2]
HEAVY = ["pyhocon", "pyparsing", "fastjsonschema", "typing", "re", "pathlib", "hashlib", "decimal"]


def conf(folder: Path, description: str = "one") -> Path:
    path = folder / "demo.conf"
    request = "properties { n { type: integer, minimum: 1 } }"
    path.write_text(f'ping {{ 2.1 {{ description: "{description}", request {{ {request} }} }} }}', encoding="utf-8")
    return path


def cached(folder: Path) -> list[Path]:
    return sorted(folder.glob("schema-*")) if folder.is_dir() else []


def run(code: str, root: Path = CHECKOUT, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter without site's extras, with the package of `root`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd="/",
        text=True,
        capture_output=True,
        check=False,
    )


def loaded_modules(argument: str, endpoint: str, root: Path = CHECKOUT, **environment: str) -> set[str]:
    """Which of the modules that cost much a load and a validation bring in."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from projects_cli.schema.cache import load\n"
        f"load({argument}).version({endpoint!r}).validate({{}})\n"
        "print(*(set(sys.modules) - before))"
    )
    result = run(code, root, **environment)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


# --- found and used -----------------------------------------------------------------------------------------------


def test_second_load_brings_in_no_library(tmp_path: Path) -> None:
    path, folder = conf(tmp_path), tmp_path / "xdg" / "projects-cli"
    first = loaded_modules(repr(str(path)), "ping", XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert {"pyhocon", "fastjsonschema"} <= first
    assert len(cached(folder)) == 1
    second = loaded_modules(repr(str(path)), "ping", XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert second.isdisjoint(HEAVY)


def test_same_result_from_the_cache(tmp_path: Path) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    first, second = (load(path, cache_dir=folder).version("ping") for _ in range(2))
    assert first.request_schema == second.request_schema
    assert first.validate({"n": 2.0}) == second.validate({"n": 2.0}) == {"n": 2}


def test_modes_of_folder_and_file(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    load(conf(tmp_path), cache_dir=folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_edited_file_is_compiled_again(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert load(conf(tmp_path, "one"), cache_dir=folder).version("ping").description == "one"
    assert load(conf(tmp_path, "two"), cache_dir=folder).version("ping").description == "two"
    assert len(cached(folder)) == 2


def test_edited_include_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    (tmp_path / "demo.conf").write_text('include "a.conf"')
    (tmp_path / "a.conf").write_text('INCLUDE\t "b.conf"')
    for description in ("one", "two"):
        (tmp_path / "b.conf").write_text(f"ping {{ 2.1 {{ description: {description}, request {{}} }} }}")
        for _ in range(2):
            assert load(tmp_path / "demo.conf", cache_dir=folder).version("ping").description == description
    assert len(cached(folder)) == 2


def test_the_stem_belongs_to_the_key(tmp_path: Path) -> None:
    path = conf(tmp_path)
    other = shutil.copy(path, tmp_path / "other.conf")
    assert load(path, cache_dir=tmp_path / "cache").version("ping").endpoint == "demo.ping"
    assert load(other, cache_dir=tmp_path / "cache").version("ping").endpoint == "other.ping"


def test_content_decides_and_not_the_folder(tmp_path: Path) -> None:
    path = conf(tmp_path)
    (tmp_path / "copy").mkdir()
    shutil.copy(path, tmp_path / "copy" / "demo.conf")
    load(path, cache_dir=tmp_path / "cache")
    load(tmp_path / "copy" / "demo.conf", cache_dir=tmp_path / "cache")
    assert len(cached(tmp_path / "cache")) == 1


def test_old_files_are_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    load(conf(tmp_path, "first"), cache_dir=folder)
    for number in range(40):
        (folder / f"schema-{number}.bin").touch()
    load(conf(tmp_path, "last"), cache_dir=folder)
    assert len(cached(folder)) == 30


def test_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == f"{tmp_path}/projects-cli"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "/somewhere")
    assert cache_folder() == "/somewhere/.cache/projects-cli"


def test_eight_processes_at_once(tmp_path: Path) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    code = f"from projects_cli.schema.cache import load; print(load({str(path)!r}, cache_dir={str(folder)!r})"
    code += ".version('ping').validate({'n': 3}))"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    outputs = [process.communicate()[0] for process in started]
    assert outputs == ["{'n': 3}\n"] * 8
    assert [path.name for path in folder.iterdir()] == [path.name for path in cached(folder)]
    assert len(cached(folder)) == 1


# --- damaged and distrusted ---------------------------------------------------------------------------------------

PLANTED = b"planted"


def damaged(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        damaged(lambda _: b""),
        damaged(lambda content: content[:30]),
        damaged(lambda content: content[:-1]),
        damaged(lambda content: content + b"x"),
        damaged(lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:]),
        damaged(lambda content: b"something else\n" + content),
        damaged(lambda _: PLANTED),
    ],
    ids=["empty", "short", "cut", "longer", "one bit", "header", "foreign"],
)
def test_damaged_file_is_rebuilt(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    load(path, cache_dir=folder)
    (file,) = cached(folder)
    damage(file)
    bad = file.read_bytes()
    assert load(path, cache_dir=folder).version("ping").validate({"n": 1}) == {"n": 1}
    good, written = file.read_bytes(), file.stat()  # not the bytes of before: marshal looks at reference counts
    assert good != bad
    assert load(path, cache_dir=folder).version("ping").validate({"n": 1}) == {"n": 1}
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)  # it was taken


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_can_write_is_replaced(tmp_path: Path, mode: int) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    load(path, cache_dir=folder)
    (file,) = cached(folder)
    before = file.stat().st_ino
    file.chmod(mode)
    load(path, cache_dir=folder)
    assert (file.stat().st_ino != before, stat.S_IMODE(file.stat().st_mode)) == (True, 0o600)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_folder_that_others_can_write_is_not_used(tmp_path: Path, mode: int) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    assert load(path, cache_dir=folder).version("ping").validate({}) == {}
    assert list(folder.iterdir()) == []


def test_nothing_is_read_from_such_a_folder(tmp_path: Path) -> None:
    path, folder = conf(tmp_path), tmp_path / "xdg" / "projects-cli"
    load(path, cache_dir=folder)
    folder.chmod(0o777)
    assert "pyhocon" in loaded_modules(repr(str(path)), "ping", XDG_CACHE_HOME=str(tmp_path / "xdg"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_files_and_folders_of_another_user_are_not_trusted(tmp_path: Path, what: str) -> None:
    path, folder = conf(tmp_path), tmp_path / "xdg" / "projects-cli"
    load(path, cache_dir=folder)
    os.chown(cached(folder)[0] if what == "file" else folder, 12345, -1)
    assert "pyhocon" in loaded_modules(repr(str(path)), "ping", XDG_CACHE_HOME=str(tmp_path / "xdg"))


def test_link_is_not_followed(tmp_path: Path) -> None:
    path, folder = conf(tmp_path), tmp_path / "cache"
    load(path, cache_dir=folder)
    (file,) = cached(folder)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    load(path, cache_dir=folder)
    assert not file.is_symlink()


def test_folder_that_cannot_be_created(tmp_path: Path) -> None:
    path = conf(tmp_path)
    for folder in (path, path / "below", Path("/dev/null/x"), Path("/proc/nowhere")):
        assert load(path, cache_dir=folder).version("ping").validate({"n": 1}) == {"n": 1}


def test_an_invalid_file_is_not_cached(tmp_path: Path) -> None:
    path = tmp_path / "demo.conf"
    path.write_text("ping { 2.1 {")
    for _ in range(2):
        with pytest.raises(SchemaError, match=r"demo\.conf:1:12: the \{ opened here is never closed"):
            load(path, cache_dir=tmp_path / "cache")
    assert cached(tmp_path / "cache") == []


@pytest.mark.parametrize(
    ("name", "words"), [("gone", "No such file"), ("empty", "has no .conf file"), ("blank.conf", "empty")]
)
def test_paths_that_hold_no_schema(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.conf").touch()
    with pytest.raises(SchemaError, match=words) as caught:
        load(tmp_path / name, cache_dir=tmp_path / "cache")
    assert str(tmp_path / name) in caught.value.message


# --- shipped ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree in which the build hook has run."""
    root = tmp_path_factory.mktemp("tree")
    for name in ("projects_cli", "schema"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    shutil.copy(CHECKOUT / "hatch_build.py", root)
    pytest.importorskip("hatchling")
    result = run(
        "from pathlib import Path; import sys; sys.path.insert(0, '.'); import hatch_build\n"
        f"hatch_build.CustomBuildHook({str(root)!r}, {{}}, None, None, '', 'wheel').initialize('standard', {{}})",
        root,
    )
    assert result.returncode == 0, result.stderr
    return root


def test_shipped_modules_are_used(tree: Path, tmp_path: Path) -> None:
    modules = loaded_modules("", "get_all", tree, XDG_CACHE_HOME=str(tmp_path))
    assert {"projects_cli.schema.shipped", "projects_cli.schema.shipped.get_all__2_27"} <= modules
    assert "projects_cli.schema.shipped.create__2_12" not in modules, "only what the endpoint needs"
    assert modules.isdisjoint(HEAVY)
    assert not (tmp_path / "projects-cli").exists()


def test_every_shipped_endpoint_works(tree: Path, tmp_path: Path) -> None:
    code = (
        "from projects_cli.schema.cache import load\n"
        "for e in load().endpoints():\n"
        "    for number in e.versions:\n"
        "        v = e.version(number); v.validate(v.skeleton()); v.response_schema; print(v.endpoint, v.number)"
    )
    result = run(code, tree, XDG_CACHE_HOME=str(tmp_path))
    assert result.returncode == 0, result.stderr
    expected = [f"{e.name} {n}" for e in load(shipped_file(), cache_dir=tmp_path).endpoints() for n in e.versions]
    assert result.stdout.split("\n")[:-1] == expected


def test_edited_schema_of_a_checkout_wins(tree: Path, tmp_path: Path) -> None:
    root = shutil.copytree(tree, tmp_path / "tree")
    with (root / "schema" / "projects.conf").open("a") as file:
        file.write("extra { 2.1 { request {} } }\n")
    modules = loaded_modules("", "extra", root, XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert "pyhocon" in modules
    assert loaded_modules("", "extra", root, XDG_CACHE_HOME=str(tmp_path / "xdg")).isdisjoint(HEAVY)


def test_installed_layout(tree: Path, tmp_path: Path) -> None:
    root = shutil.copytree(tree, tmp_path / "tree")
    (root / "schema").rename(root / "projects_cli" / "schema" / "data")
    modules = loaded_modules("", "get_all", root, XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert "projects_cli.schema.shipped.get_all__2_27" in modules
    assert modules.isdisjoint(HEAVY)


def test_stale_modules_go_away(tree: Path, tmp_path: Path) -> None:
    root = shutil.copytree(tree, tmp_path / "tree")
    stale = root / "projects_cli" / "schema" / "shipped" / "gone.py"
    stale.touch()
    result = run(
        f"import hatch_build; from pathlib import Path; hatch_build.write_generated(Path({str(root)!r}))", root
    )
    assert result.returncode == 0, result.stderr
    assert not stale.exists()


def test_importing_the_package_is_cheap() -> None:
    result = run("import sys; import projects_cli.schema; print(*[m for m in sys.modules if 'projects_cli' in m])")
    assert result.stdout.split() == ["projects_cli", "projects_cli.schema"]
