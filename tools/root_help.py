"""The module `cli/root_help.py`: the help of the program, which is printed without importing Typer."""

from __future__ import annotations

from typing import Any

import typer

from projects_cli.cli.app import app
from projects_cli.cli.help_format import WIDEST
from tools.program import HEADER

CONTENT = '''"""The help of the program; {header}."""

TEXT = """\\
{text}
"""

SHORT = """\\
{short}
"""
'''


def root_help() -> str:
    """Return the module's text, from the live command."""
    root: Any = typer.main.get_command(app)
    settings = {**(app.info.context_settings or {}), "terminal_width": WIDEST}
    ctx = typer.Context(root, info_name="projects", **settings)
    return CONTENT.format(header=HEADER, text=_literal(root.get_help(ctx)), short=_literal(root.bare_help(ctx)))


def _literal(text: str) -> str:
    return text.rstrip("\n").replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
