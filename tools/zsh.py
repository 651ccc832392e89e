"""The completion file for zsh: its template, and what goes into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.program import (
    ASKED,
    HEADER,
    Command,
    Kind,
    Option,
    Program,
    Value,
    filled,
    single_quoted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


ZSH = """\
#compdef projects
# <<header>>
# zsh completion for projects: put this file as _projects into a folder of $fpath, or source it after compinit.

_projects() {
    # everything below sees these
    local -a typed=("${(@Q)words[2,CURRENT-1]}")
    local -a shared=(
        <<shared>>
    )
    _projects__root
}

<<groups>>

<<commands>>

# Offer what the program knows: the last argument is its kind, the others are compadd's. Values and what they are come
# in turn.
_projects__ask() {
    local kind=$argv[-1]
    argv[-1]=()
    (( $+commands[projects] )) || return 1
    local value meaning
    local -a values=() described=() shown=() open=()
    while IFS='' read -r -d '' value && IFS='' read -r -d '' meaning; do
        if [[ $value == */ ]]; then
            open+=("$value")
        elif [[ -z $meaning ]]; then
            values+=("$value")
        else
            described+=("$value")
            shown+=("$value  -- $meaning")
        fi
    done < <(printf '%s\\0' "${typed[@]}" "${(Q)PREFIX}" | command projects --complete $kind plain 2>/dev/null)
    compadd "$@" -a values
    compadd "$@" -ld shown -a described
    compadd "$@" -S '' -a open
}

_projects__request() {
    if compset -P @; then
        _files
    else
        compadd -S '' -- @
        compadd -- -
    fi
}

if [[ $funcstack[1] == _projects ]]; then
    _projects "$@"
else
    compdef _projects projects
fi
"""

ZSH_GROUP = """\
<<function>>() {
    local context state state_descr line curcontext=$curcontext ret=1
    local -A opt_args
    local -a below=(
        <<below>>
    )
    local -a own=(
        <<own>>
    )
    _arguments -C -s -S : $shared $own '(-): :->command' '(-)*:: :->rest' && ret=0
    case $state in
        command) _describe -t commands command below && ret=0 ;;
        rest)
            case ${${words[1]#projects.}//_/-} in
                <<cases>>
            esac
            ;;
    esac
    return ret
}"""

ZSH_COMMAND = """\
<<function>>() {
    local -a own=(
        <<own>>
    )
    _arguments -s -S : $shared $own
}"""


def zsh(program: Program) -> str:
    """Give the file for zsh."""
    places = program.places()
    return filled(
        ZSH,
        header=HEADER,
        shared="\n".join(_zsh_options(program.shared)),
        groups="\n\n".join(_zsh_group(program, command) for command in places if command.commands),
        commands="\n\n".join(_zsh_command(program, command) for command in places if not command.commands),
    )


def _zsh_group(program: Program, command: Command) -> str:
    return filled(
        ZSH_GROUP,
        function=_zsh_function(command),
        below="\n".join(_zsh_described(below.names[0], below.summary) for below in command.commands),
        own="\n".join(_zsh_options(program.own(command))),
        cases="\n".join(f"{' | '.join(b.names)}) {_zsh_function(b)} && ret=0 ;;" for b in command.commands),
    )


def _zsh_command(program: Program, command: Command) -> str:
    arguments = [single_quoted(f"{'*' if value.repeats else ''}{_zsh_value(value)}") for value in command.arguments]
    own = "\n".join([*_zsh_options(program.own(command)), *arguments])
    return filled(ZSH_COMMAND, function=_zsh_function(command), own=own)


def _zsh_function(command: Command) -> str:
    return "_".join(("_projects", *(command.path or ("_root",)))).replace("-", "_")


def _zsh_options(options: Iterable[Option]) -> list[str]:
    return [single_quoted(_zsh_option(option, flag)) for option in options for flag in option.flags]


def _zsh_option(option: Option, flag: str) -> str:
    repeats = option.value is not None and option.value.repeats
    before = "*" if repeats else f"({' '.join(option.flags)})"
    joint = "" if option.value is None else "=" if flag.startswith("--") else "+"
    explanation = re.sub(r"([\\\[\]])", r"\\\1", option.help)
    return f"{before}{flag}{joint}[{explanation}]{_zsh_value(option.value) if option.value else ''}"


def _zsh_value(value: Value) -> str:
    actions: dict[Kind, str] = {
        "free": " ",
        "words": f"({' '.join(value.words)})",
        "files": "_files",
        "request": "_projects__request",
    }
    action = f"_projects__ask {value.kind}" if value.kind in ASKED else actions[value.kind]
    return f":{_zsh_plain(value.name)}:{action}"


def _zsh_described(word: str, text: str) -> str:
    return single_quoted(f"{_zsh_plain(word)}:{_zsh_plain(text)}")


def _zsh_plain(text: str) -> str:
    return re.sub(r"([\\:])", r"\\\1", text)
