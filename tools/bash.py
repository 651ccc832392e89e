"""The completion file for bash: its template, and what goes into it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tools.program import (
    ASKED,
    HEADER,
    Command,
    Program,
    Value,
    filled,
    flags_of,
    offers,
    single_quoted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


BASH = """\
# <<header>>
# bash completion for projects: source this file, or put it where bash-completion looks for it.

# What a command has: its commands, its options, and which of those take a value.
__projects_command() {
    commands='' flags='' valued=''
    case $1 in
        <<commands>>
    esac
    flags+=<<shared_flags>>
    valued+=<<shared_valued>>
}

# What to offer for a value: $1 is the command, $2 the option, or the position of the argument.
__projects_value() {
    case $1:$2 in
        <<values>>
    esac
}

# Go over a finished word: it changes command, position, flag (an option that waits for its value) and no_more.
__projects_step() {
    local word=$1 name=${1#projects.} letter
    if [[ -n $flag ]]; then
        flag=''
    elif [[ -n $no_more || $word != -?* ]]; then
        case $position:$command:${name//_/-} in
            <<names>>
            *) position=$((position + 1)) ;;
        esac
        __projects_command "$command"
    elif [[ $word == -- ]]; then
        no_more=1
    elif [[ $word == --* ]]; then
        [[ $valued == *[[:space:]]"$word"[[:space:]]* ]] && flag=$word
    else
        for ((letter = 1; letter < ${#word}; letter++)); do
            if [[ $valued == *[[:space:]]"-${word:letter:1}"[[:space:]]* ]]; then
                ((letter + 1 == ${#word})) && flag=-${word:letter:1}
                break
            fi
        done
    fi
}

# Make the line's words whole again, which bash splits at = : and @ too; the last one goes to current.
__projects_words() {
    local line=${COMP_LINE:0:COMP_POINT} rest index
    line=${line#*"${COMP_WORDS[0]}"}
    for ((index = 1; index <= COMP_CWORD; index++)); do
        rest=${line#"${line%%[![:space:]]*}"}
        if [[ $rest != "$line" || $index == 1 ]]; then
            ((index == 1)) || before+=("$current")
            current=''
        fi
        ((index == COMP_CWORD)) && current+=$rest && break
        current+=${COMP_WORDS[index]}
        line=${rest#"${COMP_WORDS[index]}"}
    done
}

# Offer the files that follow an @; quoted here, as readline would quote the @ too.
__projects_at_files() {
    local file typed=${current#@} quote=${whole%"$current"}
    while IFS='' read -r file; do
        [[ -d $file ]] && file+=/ && compopt -o nospace
        [[ $quote == *[\\'\\"] ]] || printf -v file %q "$file"
        offered+=("@$file")
    done < <(compgen -f -- "${typed//\\\\/}")
}

# Offer what the program knows: $1 is its kind. A line of the answer is how the word may go on, quoted as it was begun,
# behind a sign; the first line says whether the word is whole then.
__projects_ask() {
    local rest typed answer globbing=$-
    type -P projects >/dev/null || return
    printf -v typed '%s\\n' "${before[@]//$'\\n'/ }" "$raw"
    answer=$(exec projects --complete "$1" bash 2>/dev/null <<<"${typed%?}")
    local IFS=$'\\n'
    set -f
    for rest in ${answer#*$'\\n'}; do
        offered+=("$current${rest#=}")
    done
    [[ $globbing == *f* ]] || set +f
    [[ $answer == part* ]] && compopt -o nospace
}

# Offer what may follow: words into offered, or files by readline itself.
__projects_offer() {
    case $1 in
        files) compopt -o default ;;
        request)
            if [[ $current == @* ]]; then
                __projects_at_files
            else
                offered=($(compgen -W '@ -' -- "$current"))
                [[ ${offered[*]} == *@* ]] && compopt -o nospace
            fi
            ;;
        *) offered=($(compgen -W "$1" -- "$current")) ;;
    esac
}

_projects() {
    local IFS=$' \\t\\n' typed=$2 command='' flag='' no_more='' current='' position=0
    local commands flags valued whole raw word
    local -a before=() offered=()
    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == [\\<\\>]* ]]; then
        compopt -o default
        return
    fi
    __projects_words
    __projects_command ''
    for word in "${before[@]}"; do
        __projects_step "$word"
    done
    whole=$current
    raw=$current
    current=${current#[\\'\\"]}
    if [[ -n $flag ]]; then
        __projects_value "$command" "$flag"
    elif [[ -z $no_more && $current == --*=* ]]; then
        flag=${current%%=*}
        current=${current#*=}
        raw=$current
        current=${current#[\\'\\"]}
        __projects_value "$command" "$flag"
    elif [[ -z $no_more && $current == -* ]]; then
        __projects_offer "$flags"
    elif [[ $position == 0 && -n $commands ]]; then
        __projects_offer "$commands"
    else
        __projects_value "$command" "$position"
    fi
    # readline has the word from the last = or : on only, and puts an answer in that part's place
    for word in "${offered[@]}"; do
        word=${whole%"$current"}$word
        COMPREPLY+=("${word#"${whole%"$typed"}"}")
    done
}

complete -F _projects projects
"""


def bash(program: Program) -> str:
    """Give the file for bash."""
    return filled(
        BASH,
        header=HEADER,
        commands="\n".join(_bash_command(program, command) for command in program.places()),
        shared_flags=_bash_words(flags_of(program.shared)),
        shared_valued=_bash_words(flags_of(program.shared, valued=True)),
        values="\n".join(_bash_value(*offer) for offer in offers(program)),
        names="\n".join(_bash_names(command) for command in program.places() if command.path),
    )


def _bash_command(program: Program, command: Command) -> str:
    own = program.own(command)
    tables = {
        "commands": [below.names[0] for below in command.commands],
        "flags": flags_of(own),
        "valued": flags_of(own, valued=True),
    }
    lines = [f"    {name}={_bash_words(words)}" for name, words in tables.items() if words]
    return "\n".join([f"'{command.place}')", *lines, "    ;;"])


def _bash_words(words: Sequence[str]) -> str:
    lines = textwrap.fill(" ".join(words), 100, break_on_hyphens=False)
    return single_quoted(f"\n{lines}\n" if "\n" in lines else f" {lines} ")


def _bash_value(place: str, keys: list[str], value: Value) -> str:
    patterns = " | ".join(f"{'*' if place == '*' else single_quoted(place)}:{key}" for key in keys)
    if value.kind in ASKED:
        return f"{patterns}) __projects_ask {value.kind} ;;"
    return f"{patterns}) __projects_offer {_bash_words(value.words) if value.words else value.kind} ;;"


def _bash_names(command: Command) -> str:
    above = single_quoted(" ".join(command.path[:-1]))
    patterns = " | ".join(f"0:{above}:{name}" for name in command.names)
    return f"{patterns}) command={single_quoted(command.place)} ;;"
