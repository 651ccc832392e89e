"""The compiled schema: shipped with the program, or kept in the user's cache folder.

The build hook compiles the shipped schema to Python modules. Any other schema file is compiled at its first use. The
result is a file named by a digest of the content: a header, the digest of the rest, and a `marshal` of the index and
of each version's code. Such a file runs as code, so it is only used if no other user can have written it. A file that
is damaged, outdated or not trusted is ignored: the schema is compiled again.

Every command imports this module, so it loads nothing that the interpreter has not loaded already. pyhocon and
fastjsonschema are imported when something has to be compiled.
"""

# ruff: noqa: PTH100, PTH103, PTH110, PTH112, PTH116, PTH118, PTH119, PTH120, PTH122
# ruff: noqa: PTH123, PTH208
# Paths are strings in this package: pathlib alone costs more than the validation of a request.

from __future__ import annotations

import marshal
import os
from _frozen_importlib_external import MAGIC_NUMBER

from projects_cli import __version__
from projects_cli.private_files import (
    NEW,
    blake2b,
    cache_folder,
    is_private,
    open_private,
    prune,
    read_regular,
    replace,
)
from projects_cli.schema.model import DEFAULT_SERVICE, MAX_FILE_SIZE, Catalog, Service, Version, module_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from projects_cli.errors import SchemaError
    from projects_cli.private_files import StrPath
    from projects_cli.schema.model import MakeVersion, Record

    Compiled = dict[str, Any]
    """`index` of the service, and `versions`: the code of the module of each version of an endpoint, by its name."""

CACHE_FORMAT = 2
"""Increase it if the compiled form, or what the compiler makes of a schema, changes between two releases."""

HEADER = b"projects-cli schema\n"
DIGEST_SIZE = 32
MAX_CACHED_FILES = 30

READING_SECONDS = 1.0
COMPILING_SECONDS = 1.0
BYTES_PER_SECOND = 6 * 1024
"""Bytes that add a second to the time for compiling: a third of the speed measured with versions that extend others."""

MAX_COMPILING_SECONDS = 7.0

MAX_MEMORY = 512 * 1024 * 1024
"""Bytes that compiling may allocate. Substitutions can double a value in each line of a file."""

INCLUDE_STARTS = (b'"', b"url", b"file", b"package", b"classpath", b"required")
"""What follows the word include in a statement; see `hocon_tokens.TOKEN`."""

LIMIT_HINT = "a substitution that doubles a value again and again, or a pattern that backtracks, can be the cause"

SUFFIX = ".conf"
FOLDER = os.path.dirname(os.path.abspath(__file__))
SHIPPED_FILES = (
    os.path.join(FOLDER, "data", "projects.conf"),
    os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "schema", "projects.conf"),
)
"""The paths of the shipped schema: in an installed package, in a checkout."""

SHIPPED_MODULES = "projects_cli.schema.shipped"


# --- loading ------------------------------------------------------------------------------------------------------


def load(path: StrPath | None = None, *, cache_dir: StrPath | None = None) -> Catalog:
    """Return the services of a schema file, or of a folder of `*.conf` files; without a path, the shipped service.

    The file, or the folder's `projects.conf`, is read now, other files of the folder on demand.

    Raises:
        SchemaError: `FILE:LINE:COLUMN: message`.
    """
    shipped = Catalog({DEFAULT_SERVICE: lambda: _shipped(cache_dir)})
    if path is None:
        return shipped
    from projects_cli.schema.custom import CustomVersion  # not with the shipped schema

    def version(*arguments: Any) -> Version:
        return CustomVersion(shipped, *arguments)

    def loader(file: str) -> Callable[[], Service]:
        return lambda: _service(file, cache_dir, make_version=version)

    catalog = Catalog({_stem(file): loader(file) for file in _schema_files(os.fspath(path))})
    catalog.default  # noqa: B018 - its errors are reported before any others
    return catalog


def shipped_file() -> str:
    """Return the path of the shipped schema."""
    return next((name for name in SHIPPED_FILES if os.path.exists(name)), SHIPPED_FILES[0])


def _schema_files(path: str) -> list[str]:
    """Return the file itself, or a folder's `*.conf` files by name.

    A file whose name begins with an underscore is included by others, as in the folder of a ClearML server.

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
            hint=f"--schema takes a schema file or a folder of them; _*{SUFFIX} files are included by others",
        )
    return [os.path.join(path, name) for name in names]


def _shipped(cache_dir: StrPath | None) -> Service:
    """Return the shipped service as compiled at build time, unless its file has been edited since."""
    path = shipped_file()
    try:
        with open(path, "rb") as file:
            content = file.read()
        shipped: ModuleType = __import__(SHIPPED_MODULES, fromlist=["KEY", "INDEX"])
    except (OSError, ImportError):
        return _service(path, cache_dir)
    if getattr(shipped, "KEY", None) != content_key(path, content):
        return _service(path, cache_dir)

    def record(endpoint: str, number: str) -> Record:
        module: ModuleType = __import__(f"{SHIPPED_MODULES}.{module_name(endpoint, number)}", fromlist=["RECORD"])
        compiled: Record = module.RECORD
        return compiled

    return Service(shipped.INDEX, record)


def _service(path: str, cache_dir: StrPath | None, make_version: MakeVersion = Version) -> Service:
    """Return the service of one file: from the cache, or compiled and then cached."""
    # `hocon_tokens.read` reports what is wrong with a file that can't be used.
    try:
        content = read_regular(path, MAX_FILE_SIZE + 1)
    except (OSError, ValueError):
        content = b""
    if not content or len(content) > MAX_FILE_SIZE:
        from projects_cli.schema import hocon_tokens

        content = hocon_tokens.read(path).content
    from projects_cli.limits import cpu_limit  # not with the shipped schema

    with cpu_limit(READING_SECONDS, lambda: _too_slow(path)):
        # Code of another version of the interpreter can't be run.
        key = blake2b(content_key(path, content).encode() + MAGIC_NUMBER).hexdigest()
    cached = os.path.join(cache_folder() if cache_dir is None else os.fspath(cache_dir), f"schema-{key}.bin")
    compiled = _read_cache(cached)
    if compiled is None:
        compiled = _compile(path, content)
        _write_cache(cached, compiled)
    loaded: dict[str, Record] = {}

    def record(endpoint: str, number: str) -> Record:
        name = module_name(endpoint, number)
        if name not in loaded:
            scope: dict[str, Any] = {"__name__": f"{path}:{name}"}
            exec(marshal.loads(compiled["versions"][name]), scope)  # noqa: S102, S302 - written by this user
            loaded[name] = scope["RECORD"]
        return loaded[name]

    return Service(compiled["index"], record, make_version)


def _compile(path: str, content: bytes) -> Compiled:
    """Compile a file, which may be crafted to exhaust time or memory.

    Raises:
        SchemaError: it has an error, or exceeds a limit.
    """
    from projects_cli.limits import cpu_limit, memory_limit  # on a cache miss only

    size = len(content) + sum(map(len, _included(path, content)))
    seconds = min(COMPILING_SECONDS + size / BYTES_PER_SECOND, MAX_COMPILING_SECONDS)
    try:
        with cpu_limit(seconds, lambda: _too_slow(path)), memory_limit(MAX_MEMORY):
            from projects_cli.schema import compiler, hocon_tokens, service  # with pyhocon

            loaded = service.load_service(path, hocon_tokens.Source(path, content))
            versions = {
                name: marshal.dumps(
                    compile(compiler.version_source(loaded, endpoint, number), f"{path}:{name}", "exec")
                )
                for endpoint, declared in loaded["endpoints"].items()
                for number in declared["versions"]
                for name in [module_name(endpoint, number)]
            }
            return {"index": compiler.index_of(loaded), "versions": versions}
    except (MemoryError, RecursionError) as error:
        from projects_cli.errors import SchemaError

        reason = "nested too deeply" if isinstance(error, RecursionError) else "it needs too much memory"
        raise SchemaError(f"{path}: {reason}", hint=LIMIT_HINT) from error


def _too_slow(path: str) -> SchemaError:
    from projects_cli.errors import SchemaError

    return SchemaError(f"{path}: reading it takes too long", hint=LIMIT_HINT)


# --- files and their keys -----------------------------------------------------------------------------------------


def content_key(path: str, content: bytes) -> str:
    """Return a digest of what the compiled form depends on: the service's name, all files, the program's version."""
    digest = blake2b()
    pieces = [b"%d" % CACHE_FORMAT, __version__.encode(), _stem(path).encode("utf-8", "surrogateescape"), content]
    for piece in (*pieces, *_included(path, content)):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return str(digest.hexdigest())


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _included(path: str, content: bytes) -> list[bytes]:
    """Return the content of every file that the file includes, in the order of reading."""
    # The shipped schema includes nothing: only a file that may have an include statement is tokenized.
    statements = content.lower().split(b"include")[1:]
    if not any(rest.lstrip(b" \t").startswith(INCLUDE_STARTS) for rest in statements):
        return []
    from projects_cli.schema import hocon_tokens

    return [source.content for source in hocon_tokens.includes(hocon_tokens.Source(path, content))]


# --- the cache folder ---------------------------------------------------------------------------------------------


def _read_cache(path: str) -> Compiled | None:
    """Return what a cache file holds, or None if it is missing, damaged or not trusted."""
    start = len(HEADER) + DIGEST_SIZE
    try:
        with open(open_private(path), "rb") as file:
            content = file.read()
        # marshal does not check what it reads: a file that was cut off could end the process.
        if content[:start] != HEADER + blake2b(content[start:]).digest():
            return None
        compiled = marshal.loads(content[start:])  # noqa: S302 - written by this user
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return compiled if isinstance(compiled, dict) and compiled.keys() == {"index", "versions"} else None


def _write_cache(path: str, compiled: Compiled) -> None:
    """Cache a compiled schema, if that is possible: the command works without."""
    payload = marshal.dumps(compiled)
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if is_private(os.stat(folder)):
            replace(path, HEADER + blake2b(payload).digest() + payload)
            prune(folder, ("schema-", NEW), MAX_CACHED_FILES)  # every edit of a schema leaves one behind
    except OSError:
        return
