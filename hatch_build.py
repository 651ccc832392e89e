"""The build hook: compiles the shipped schema, so that no command has to, and writes what the commands' help generates.

Hatchling runs it for a wheel and for an editable install. The compiled schema goes to `projects_cli/schema/shipped/`,
the files of `tools.built` beside the modules that read them, and the manual pages to `build/man/`, from where they are
installed as `share/man/man1/`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling's type parameter has no meaning here
    """Writes what a wheel has beyond the files of the repository."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run the compiler and the generator of the source tree."""
        del version, build_data
        if self.target_name == "wheel":
            write_generated(Path(self.root))


def write_generated(root: Path) -> None:
    """Write all of it into the source tree at `root`."""
    sys.path.insert(0, str(root))
    try:
        from tools import built  # importable now
        from tools.manual import write_manuals

        compile_shipped(root)
        built.write(root, built.built())
        write_manuals(root / "build" / "man")
    finally:
        sys.path.remove(str(root))


def compile_shipped(root: Path) -> None:
    """Write `projects_cli/schema/shipped/`, with the compiler of the tree."""
    from projects_cli.schema.cache import content_key
    from projects_cli.schema.compiler import write_shipped
    from projects_cli.schema.service import load_service

    conf = root / "schema" / "projects.conf"
    folder = root / "projects_cli" / "schema" / "shipped"
    write_shipped(load_service(str(conf)), content_key(str(conf), conf.read_bytes()), folder)
