"""The module `root_help.py`: the help of the whole, so that it can be shown without importing Typer."""

from __future__ import annotations

from typing import Any

import typer

from projects_cli.cli.app import app
from projects_cli.cli.generating.program import HEADER

CONTENT = '''"""The help of the whole; {header}."""

TEXT = """\\
{text}
"""
'''


def root_help() -> str:
    """Give the module's text, from the live command."""
    root: Any = typer.main.get_command(app)
    text: str = root.get_help(typer.Context(root, info_name="projects", **app.info.context_settings or {}))
    return CONTENT.format(header=HEADER, text=_literal(text))


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
