"""The compiled schema: shipped with the program, or kept in the person's cache folder, keyed by content.

What ships is Python modules, made at build time (`hatch_build.py`); what is kept is one file for each schema file:
a line that names the format, the SHA-256 of the rest, and a `marshal` of the index and of each endpoint's code. Such
a file runs as code, so it is used only when it and its folder belong to this user and nobody else may write there.
A file that is damaged, stale or not trusted is as good as none: the schema is compiled again.

This module is on the way of every command: it imports nothing that isn't loaded anyway; pyhocon and the JSON-Schema
library come in when something has to be compiled.
"""

# ruff: noqa: PTH100, PTH103, PTH110, PTH112, PTH116, PTH118, PTH119, PTH120, PTH122
# ruff: noqa: PTH123, PTH208
# Names of files are plain strings all through this room: pathlib alone costs more than a request's whole validation.

from __future__ import annotations

import marshal
import os
import stat
from _frozen_importlib_external import MAGIC_NUMBER

from projects_cli import __version__
from projects_cli.private_files import NEW, cache_folder, is_private, prune, read_regular, replace, sha256
from projects_cli.schema.model import DEFAULT_SERVICE, Catalog, Service, Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from projects_cli.errors import SchemaError

    Records = Callable[[str], Mapping[str, Mapping[str, Any]]]
    Compiled = dict[str, Any]
    """`index` of the service, and `endpoints`: the code of each endpoint's module, by name."""

CACHE_FORMAT = 1
"""Raise it when the compiled form, or what the compiler makes of a schema, changes between two releases."""

HEADER = b"projects-cli schema\n"
DIGEST_SIZE = 32
KEPT_FILES = 30
LARGEST = 256 * 1024
"""Bytes of a schema file, with all that it includes; the largest one of a ClearML server has 90 kB."""

READING_SECONDS = 1.0
COMPILING_SECONDS = 1.0
BYTES_IN_A_SECOND = 24 * 1024
"""How many bytes more are compiled in a further second: a third of what was measured."""

LONGEST_COMPILING = 5.0

MEMORY = 512 * 1024 * 1024
"""Bytes that compiling may allocate. Substitutions can double a value in each line of a file."""

INCLUDE_STARTS = (b'"', b"url", b"file", b"package", b"classpath", b"required")
"""What follows the word include in a statement, as in scan.py."""

UNUSUAL = "a substitution that doubles a value again and again, or a pattern that explodes, can be the cause"

SUFFIX = ".conf"
FOLDER = os.path.dirname(os.path.abspath(__file__))
SHIPPED_FILES = (
    os.path.join(FOLDER, "data", "projects.conf"),
    os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "schema", "projects.conf"),
)
"""Where the shipped schema is: in an installed package, in a checkout."""

SHIPPED_MODULES = "projects_cli.schema.shipped"


# --- loading ------------------------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str] | None = None, *, cache_dir: str | os.PathLike[str] | None = None) -> Catalog:
    """Return the services of a schema file, or of a folder of `*.conf` files; without a path, the shipped service.

    The file, or the folder's `projects.conf`, is read now, other files of the folder on demand.

    Raises:
        SchemaError: `FILE:LINE: what is wrong`.
    """
    folder = os.fspath(cache_dir) if cache_dir is not None else cache_folder()
    if path is None:
        return Catalog({DEFAULT_SERVICE: lambda: _shipped(folder)})
    from projects_cli.schema.loaded import LoadedVersion  # not with the shipped schema

    def loader(file: str) -> Callable[[], Service]:
        return lambda: _service(file, folder, kind=LoadedVersion)

    catalog = Catalog({_stem(file): loader(file) for file in schema_files(os.fspath(path))})
    catalog.default  # noqa: B018 - a fault in it is reported before anything else
    return catalog


def shipped_file() -> str:
    """The file of the shipped schema."""
    return next((name for name in SHIPPED_FILES if os.path.exists(name)), SHIPPED_FILES[0])


def schema_files(path: str) -> list[str]:
    """Return the file itself, or a folder's `*.conf` files by name.

    A file whose name begins with an underscore is for others to include, as in the folder of a ClearML server.

    Raises:
        SchemaError: a folder without such files, or one that can't be read.
    """
    if not os.path.isdir(path):
        return [path]
    from projects_cli.errors import SchemaError  # not with the shipped schema

    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIX) and name[0] not in "._")
    except OSError as error:
        raise SchemaError(f"{path}: can't be read: {error.strerror}") from error
    if not names:
        raise SchemaError(
            f"{path}: the folder has no {SUFFIX} file of a service",
            hint=f"--schema takes a schema file or a folder of them; _*{SUFFIX} files are for others to include",
        )
    return [os.path.join(path, name) for name in names]


def _shipped(folder: str) -> Service:
    """The shipped service: as compiled at build time, unless its file was edited since."""
    name = shipped_file()
    content = _content(name)
    try:
        shipped: ModuleType = __import__(SHIPPED_MODULES, fromlist=["KEY", "INDEX"])
    except ImportError:
        return _service(name, folder, content)
    if getattr(shipped, "KEY", None) != content_key(name, content):
        return _service(name, folder, content)
    return Service(shipped.INDEX, _shipped_records)


def _shipped_records(name: str) -> Mapping[str, Mapping[str, Any]]:
    module: ModuleType = __import__(f"{SHIPPED_MODULES}.{name}", fromlist=["VERSIONS"])
    versions: Mapping[str, Mapping[str, Any]] = module.VERSIONS
    return versions


def _service(name: str, folder: str, content: bytes | None = None, kind: type[Version] = Version) -> Service:
    """Return the service of one file: out of the cache, or compiled and put there."""
    content = _content(name) if content is None else content
    from projects_cli.limits import cpu_limit  # not with the shipped schema

    with cpu_limit(READING_SECONDS, lambda: _too_slow(name)):
        key = cache_key(name, content)
    cached = os.path.join(folder, f"schema-{key}.bin")
    compiled = read_cache(cached)
    if compiled is None:
        compiled = _compiled_within_limits(name, content)
        write_cache(cached, compiled)
    return Service(compiled["index"], _records_of(compiled, name), kind)


def _compiled_within_limits(name: str, content: bytes) -> Compiled:
    """Compile a file that may be made to exhaust time or memory.

    Raises:
        SchemaError: it has a fault, or would.
    """
    from projects_cli.limits import cpu_limit, memory_limit  # on a cache miss only

    size = len(content) + sum(map(len, _included(name, content)))
    seconds = min(COMPILING_SECONDS + size / BYTES_IN_A_SECOND, LONGEST_COMPILING)
    try:
        with cpu_limit(seconds, lambda: _too_slow(name)), memory_limit(MEMORY):
            return _compiled(name, content)
    except (MemoryError, RecursionError) as error:
        from projects_cli.errors import SchemaError  # only where something is wrong

        what = "nested too deeply" if isinstance(error, RecursionError) else "it needs too much memory"
        raise SchemaError(f"{name}: {what}", hint=UNUSUAL) from error


def _too_slow(name: str) -> SchemaError:
    from projects_cli.errors import SchemaError  # only where something is wrong

    return SchemaError(f"{name}: reading it takes too long", hint=UNUSUAL)


def _content(name: str) -> bytes:
    """The file's bytes; a file that can't be read, or is absurdly large, is the loader's to complain about."""
    try:
        content = read_regular(name, LARGEST + 1)
    except (OSError, ValueError):
        content = b""
    if content and len(content) <= LARGEST:
        return content
    from projects_cli.schema import scan  # only where something is wrong

    return scan.read(name).content


def _records_of(compiled: Compiled, name: str) -> Records:
    """Runs the code of one endpoint's module, once."""
    done: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    def records(endpoint: str) -> Mapping[str, Mapping[str, Any]]:
        if endpoint not in done:
            scope: dict[str, Any] = {"__name__": f"{name}:{endpoint}"}
            exec(marshal.loads(compiled["endpoints"][endpoint]), scope)  # noqa: S102, S302 - this user's own, digest checked
            done[endpoint] = scope["VERSIONS"]
        return done[endpoint]

    return records


def _compiled(name: str, content: bytes) -> Compiled:
    """The file's service, compiled now."""
    from projects_cli.schema import compiler, loader, scan  # with pyhocon, on a cache miss only

    service = loader.load_service(name, scan.Source(name, content))
    endpoints = {
        endpoint: marshal.dumps(compile(compiler.endpoint_source(service, endpoint), f"{name}:{endpoint}", "exec"))
        for endpoint in service["endpoints"]
    }
    return {"index": compiler.index_of(service), "endpoints": endpoints}


# --- keys ---------------------------------------------------------------------------------------------------------


def content_key(name: str, content: bytes) -> str:
    """What the compiled form depends on: the service's name, the files' content, this program, this format."""
    digest = sha256()
    pieces = [b"%d" % CACHE_FORMAT, __version__.encode(), _stem(name).encode("utf-8", "surrogateescape"), content]
    for piece in (*pieces, *_included(name, content)):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return str(digest.hexdigest())


def _stem(name: str) -> str:
    """Return the name of the service in a file."""
    return os.path.splitext(os.path.basename(name))[0]


def cache_key(name: str, content: bytes) -> str:
    """The content key for this interpreter: code of another one can't be run."""
    return str(sha256(content_key(name, content).encode() + MAGIC_NUMBER).hexdigest())


def _included(name: str, content: bytes) -> list[bytes]:
    """The content of every file that the file includes, in the order of reading."""
    if not _may_include(content):
        return []
    from projects_cli.schema import scan  # only with a schema of several files

    reader = scan.Reader()
    reader.tokens(scan.Source(name, content))
    return [source.content for source in reader.sources[1:]]


def _may_include(content: bytes) -> bool:
    """Whether there may be an include statement: quick, and never wrong when it says no."""
    return any(rest.lstrip(b" \t").startswith(INCLUDE_STARTS) for rest in content.lower().split(b"include")[1:])


# --- the cache folder ---------------------------------------------------------------------------------------------


def read_cache(path: str) -> Compiled | None:
    """What the file holds, or null when it is missing, damaged or not to be trusted."""
    try:
        payload = _trusted_payload(path)
        compiled = marshal.loads(payload) if payload is not None else None  # noqa: S302 - this user's own, digest checked
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return compiled if isinstance(compiled, dict) and compiled.keys() == {"index", "endpoints"} else None


def _trusted_payload(path: str) -> bytes | None:
    """The part behind header and digest, when the digest is right and only this user can have written it."""
    if not is_private(os.stat(os.path.dirname(path))):
        return None
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        information = os.fstat(file.fileno())
        if not (stat.S_ISREG(information.st_mode) and is_private(information)):
            return None
        content = file.read()
    start = len(HEADER) + DIGEST_SIZE
    payload = content[start:]
    intact = content.startswith(HEADER) and content[len(HEADER) : start] == sha256(payload).digest()
    return payload if intact else None


def write_cache(path: str, compiled: Compiled) -> None:
    """Keep the compiled schema: all of it or nothing, and quietly nothing where that can't be done."""
    payload = marshal.dumps(compiled)
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if is_private(os.stat(folder)):
            replace(path, HEADER + sha256(payload).digest() + payload)
            prune(folder, ("schema-", NEW), KEPT_FILES)  # every edit of a schema leaves one behind
    except OSError:
        return
