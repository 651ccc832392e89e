# fish completion for projects: put this file as projects.fish into a folder of $fish_complete_path.
# The program knows all commands, options and names: this passes the line on, and takes the answer.

function __projects_complete
    command -q projects; or return
    set -l words (commandline -opc)
    set -e words[1]
    set -l token (commandline -ct)
    # A quotation that is still open is closed before it is read.
    set -l typed
    for quote in '' "'" '"'
        set typed (string unescape -- $token$quote); and break
    end
    # The words go through standard input, as arguments are visible to other users. A NUL ends each.
    set -l answer (printf '%s\0' $words "$typed" | command projects --complete fish 2>/dev/null)
    # The first line is the kind of the answer; for files, the second is the part that stays, such as "--data=@".
    if test "$answer[1]" = files
        set -l rest (string sub -s (math 1 + (string length -- "$answer[2]")) -- $token)
        string join \n -- "$answer[2]"(complete -C"'' $rest")
    else
        printf '%s\n' $answer[2..]
    end
end

complete -c projects -f -a '(__projects_complete)'
