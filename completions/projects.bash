# bash completion for projects: source this file, or put it where bash-completion looks for it.
# The program knows all commands, options and names: this passes the line on, and takes the answer.

_projects() {
    local IFS=$'\n' globbing=$- input answer
    # The words go through standard input, as arguments are visible to other users. A line break separates them.
    local -a lines=("$2" "${COMP_LINE:0:COMP_POINT}" "${COMP_WORDS[@]:0:COMP_CWORD+1}")
    COMPREPLY=()
    type -P projects >/dev/null || return
    printf -v input '%s\n' "${lines[@]//$'\n'/ }"
    answer=$(exec projects --complete bash 2>/dev/null <<<"${input%?}")
    # The first line of the answer says how to take the others, which are words behind a = sign, quoted already.
    case $answer in
        files*)
            compopt -o default
            return
            ;;
        part*) compopt -o nospace ;;
    esac
    [[ $answer == *$'\n'* ]] || return
    set -f
    COMPREPLY=(${answer#*$'\n'})
    COMPREPLY=("${COMPREPLY[@]#=}")
    [[ $globbing == *f* ]] || set +f
}

complete -F _projects projects
