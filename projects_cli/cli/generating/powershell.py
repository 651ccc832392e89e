"""The completion file for PowerShell: its template, and what goes into it."""

from __future__ import annotations

import re

from projects_cli.cli.generating.program import ASKED, HEADER, Command, Option, Program, Value, filled

POWERSHELL = """\
# <<header>>
# PowerShell completion for projects: dot-source this file in your profile.

Register-ArgumentCompleter -Native -CommandName projects -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Kind: switch, free, words, files, request, or what the program is asked for; Place: the command, * for all
    $options = @(
        <<options>>
    )
    $asked = <<asked>>
    $commands = @(
        <<commands>>
    )
    $arguments = @(
        <<arguments>>
    )

    function Find-Option($place, $flag) {
        $options | Where-Object { $_.Place -cin @($place, '*') -and $_.Flag -ceq $flag } | Select-Object -First 1
    }

    function New-Result($text, $word, $help) {
        if (-not $help) { $help = $word }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $help)
    }

    # Ask the program: values and what they are come in turn, a NUL after each
    function Get-Name($kind, $before, $typed) {
        $program = Get-Command projects -CommandType Application -ErrorAction Ignore | Select-Object -First 1
        if (-not $program) { return }
        $line = (@($words) + $typed.Trim("'`"") -join "`0") + "`0"
        $found = (($line | & $program --complete $kind plain 2>$null) -join "`n") -split "`0"
        for ($index = 0; $index + 1 -lt $found.Count; $index += 2) {
            $name = $found[$index]
            if ($name -match '[\\p{C}]') { continue }
            $text = $name
            if ($name -notmatch '^[\\w./:-]+$') {
                $text = "'" + ($name -replace "(['\u2018-\u201b])", '$1$1') + "'"
            }
            New-Result "$before$text" $name $found[$index + 1]
        }
    }

    # Give what a value may be; nothing at all lets PowerShell offer files
    function Get-Value($offer, $before, $typed) {
        if ($offer.Kind -eq 'request' -and $typed.StartsWith('@')) {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($typed.Substring(1)) |
                ForEach-Object { New-Result "'$before@$($_.CompletionText.Trim("'`""))'" $_.ListItemText $_.ToolTip }
        } elseif ($offer.Kind -cin $asked) {
            Get-Name $offer.Kind $before $typed
        } elseif ($offer.Kind -eq 'files' -and $before) {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($typed) |
                ForEach-Object { New-Result "$before$($_.CompletionText)" $_.ListItemText $_.ToolTip }
        } else {
            $offer.Words | Where-Object { $_ -and $_.StartsWith($typed) } |
                ForEach-Object { New-Result "$before$_" $_ $_ }
        }
    }

    # Go over the words before the one that is completed
    $place = ''
    $position = 0
    $waiting = $null
    $noMore = $false
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    foreach ($word in $words) {
        if ($waiting) {
            $waiting = $null
        } elseif ($noMore -or $word -notmatch '^-.') {
            $name = ($word -replace '^projects\\.', '').Replace('_', '-')
            $found = $commands | Where-Object { $_.Above -ceq $place -and $_.Names -ccontains $name }
            if ($found -and $position -eq 0) { $place = $found.Place } else { $position++ }
        } elseif ($word -eq '--') {
            $noMore = $true
        } elseif ($word -notmatch '^--.*=') {
            $option = Find-Option $place $word
            if ($option -and $option.Kind -ne 'switch') { $waiting = $option }
        }
    }

    if ($waiting) {
        Get-Value $waiting '' $wordToComplete
    } elseif (-not $noMore -and $wordToComplete -match '^(--[^=]+)=(.*)$') {
        $typed = $Matches[2]
        $flag = $Matches[1]
        $option = Find-Option $place $flag
        if ($option) { Get-Value $option "$flag=" $typed }
    } elseif (-not $noMore -and $wordToComplete.StartsWith('-')) {
        $options | Where-Object { $_.Place -cin @($place, '*') -and $_.Flag.StartsWith($wordToComplete) } |
            ForEach-Object { New-Result $_.Flag $_.Flag $_.Help }
    } elseif ($position -eq 0 -and ($commands | Where-Object { $_.Above -ceq $place })) {
        $commands | Where-Object { $_.Above -ceq $place -and $_.Names[0].StartsWith($wordToComplete) } |
            ForEach-Object { New-Result $_.Names[0] $_.Names[0] $_.Help }
    } else {
        $arguments | Where-Object { $_.Place -ceq $place } |
            Where-Object { $_.Position -eq $position -or ($_.Repeats -and $_.Position -lt $position) } |
            ForEach-Object { Get-Value $_ '' $wordToComplete }
    }
}
"""


def powershell(program: Program) -> str:
    """Give the file for PowerShell."""
    places = program.places()
    options = [("*", option) for option in program.shared]
    options += [(command.place, option) for command in places for option in program.own(command)]
    return filled(
        POWERSHELL,
        header=HEADER,
        asked=_ps_literal(tuple(sorted(ASKED))),
        options="\n".join(_ps_option(place, option, flag) for place, option in options for flag in option.flags),
        commands="\n".join(_ps_command(command) for command in places if command.path),
        arguments="\n".join(
            _ps_record(
                Place=command.place,
                Position=position,
                Repeats=int(value.repeats),
                Kind=value.kind,
                Words=_words(value),
            )
            for command in places
            for position, value in enumerate(command.arguments)
        ),
    )


def _ps_option(place: str, option: Option, flag: str) -> str:
    kind = option.value.kind if option.value else "switch"
    words = _words(option.value) if option.value else ()
    return _ps_record(Place=place, Flag=flag, Kind=kind, Words=words, Help=option.help)


def _ps_command(command: Command) -> str:
    above = " ".join(command.path[:-1])
    return _ps_record(Above=above, Place=command.place, Names=command.names, Help=command.summary)


def _words(value: Value) -> tuple[str, ...]:
    return ("@", "-") if value.kind == "request" else value.words


def _ps_record(**fields: str | int | tuple[str, ...]) -> str:
    return f"@{{ {'; '.join(f'{name} = {_ps_literal(value)}' for name, value in fields.items())} }}"


def _ps_literal(value: str | int | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"@({', '.join(map(_ps_literal, value))})"
    return str(value) if isinstance(value, int) else "'" + re.sub("(['‘’‚‛])", r"\1\1", value) + "'"
