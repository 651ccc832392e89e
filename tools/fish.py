"""The completion file for fish: its template, and what goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.program import ASKED, HEADER, Command, Kind, Option, Program, Value, filled, flags_of

if TYPE_CHECKING:
    from collections.abc import Iterator


FISH = """\
# <<header>>
# fish completion for projects: put this file as projects.fish into a folder of $fish_complete_path.

# Whether an option ($argv[2]) of a command ($argv[1]) takes a value.
function __projects_takes
    set -l valued <<shared_valued>>
    switch $argv[1]
        <<valued>>
    end
    contains -- $argv[2] $valued
end

# The command that the line has so far, and how many arguments follow it.
function __projects_place
    set -l words (commandline -opc)
    set -e words[1]
    set -l place ''
    set -l position 0
    set -l flag ''
    set -l no_more ''
    for word in $words
        if test -n "$flag"
            set flag ''
        else if test -n "$no_more"; or not string match -qr -- '^-.' $word
            switch $position:$place:(string replace -r '^projects\\.' '' -- $word | string replace -a _ -)
                <<names>>
                case '*'
                    set position (math $position + 1)
            end
        else if test $word = --
            set no_more 1
        else if string match -q -- '--*' $word
            __projects_takes $place $word; and set flag $word
        else
            set -l letters (string split '' -- (string sub -s 2 -- $word))
            for index in (seq (count $letters))
                if __projects_takes $place -$letters[$index]
                    test $index -eq (count $letters); and set flag -$letters[$index]
                    break
                end
            end
        end
    end
    printf '%s\\n' $place $position
end

# Whether the line is at a command ($argv[1]), and with $argv[2], at that argument of it.
function __projects_at
    set -l here (__projects_place)
    test "$here[1]" = "$argv[1]"; or return 1
    test (count $argv) -eq 1; or test "$here[2]" = "$argv[2]"
end

# Offer what the program knows: $argv[1] is its kind. Values and what they are come in turn.
function __projects_ask
    command -q projects; or return
    set -l words (commandline -opc)
    set -e words[1]
    set -l word (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    set -l typed (string unescape -- $word | string collect)
    set -l found (
        printf '%s\\0' $words "$typed" | command projects --complete $argv[1] plain 2>/dev/null | string split0
    )
    for index in (seq 1 2 (count $found))
        if not string match -qr '[\\t\\n]' -- $found[$index]
            printf '%s\\t%s\\n' $found[$index] $found[(math $index + 1)]
        end
    end
end

function __projects_request
    set -l word (string replace -r '^--data=' '' -- (commandline -ct))
    if string match -q -- '@*' $word
        set -l file (string escape -- (string unescape -- (string sub -s 2 -- $word)))
        printf '@%s\\n' (complete -C"'' $file")
    else
        printf '%s\\t%s\\n' @ 'The request is in this file' - 'The request comes from standard input'
    end
end

complete -c projects -f
<<lines>>
"""


def fish(program: Program) -> str:
    """Give the file for fish."""
    places = program.places()
    own_valued = {command.place: flags_of(program.own(command), valued=True) for command in places}
    return filled(
        FISH,
        header=HEADER,
        shared_valued=" ".join(flags_of(program.shared, valued=True)),
        valued="\n".join(
            f"case '{place}'\n    set -a valued {' '.join(flags)}" for place, flags in own_valued.items() if flags
        ),
        names="\n".join(_fish_names(command) for command in places if command.path),
        lines="\n".join(_fish_lines(program)),
    )


def _fish_names(command: Command) -> str:
    above = " ".join(command.path[:-1])
    patterns = " ".join(_fish_quoted(f"0:{above}:{name}") for name in command.names)
    return f"case {patterns}\n    set place {_fish_quoted(command.place)}"


def _fish_lines(program: Program) -> Iterator[str]:
    yield from (f"complete -c projects {_fish_option(option)}" for option in program.shared)
    for command in program.places():
        here = f"__projects_at '{command.place}'"
        own = f"complete -c projects -n {_fish_quoted(here)}"
        yield ""
        yield from (f"{own} {_fish_option(option)}" for option in program.own(command))
        for below in command.commands:
            at_first = f"complete -c projects -n {_fish_quoted(here + ' 0')}"
            yield f"{at_first} -a {below.names[0]} -d {_fish_quoted(below.summary)}"
        for position, value in enumerate(command.arguments):
            if value.kind != "free":
                at = here if value.repeats and position == 0 else f"{here} {position}"
                yield f"complete -c projects -n {_fish_quoted(at)} {_fish_value(value)}"


def _fish_option(option: Option) -> str:
    names = (f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    value = "" if option.value is None else f"-r {_fish_value(option.value)} "
    return f"{' '.join(names)} {value}-d {_fish_quoted(option.help)}"


def _fish_value(value: Value) -> str:
    actions: dict[Kind, str] = {
        "free": "-f",
        "words": f"-f -a '{' '.join(value.words)}'",
        "files": "-F",
        "request": "-f -a '(__projects_request)'",
    }
    return f"-f -a '(__projects_ask {value.kind})'" if value.kind in ASKED else actions[value.kind]


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
