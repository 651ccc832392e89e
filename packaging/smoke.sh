#!/bin/sh
# Uses an installed program as a new user would, on a private MongoDB in a folder of its own: smoke.sh PROGRAM
set -eu
program=${1:?usage: smoke.sh PROGRAM}

# Neither a configuration nor a database of this machine may be used.
for name in $(env | sed -nE 's/^((PROJECTS|CLEARML|TRAINS|MONGODB)_[A-Z0-9_]*)=.*/\1/p'); do
    [ "$name" = PROJECTS_MONGOD ] || unset "$name"
done
folder=$(mktemp -d)
export PROJECTS_LOCAL_DIR="$folder/local" XDG_CONFIG_HOME="$folder/config" XDG_CACHE_HOME="$folder/cache"
cleanup() {
    "$program" local stop --quiet || true
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"

expect() {
    wanted=$1
    shift
    output=$("$program" "$@" --quiet)
    case $output in
        *"$wanted"*) ;;
        *)
            echo "projects $*: '$wanted' is missing in the output: $output" >&2
            exit 1
            ;;
    esac
}

"$program" --version
expect 'Inspect' --help
expect 'project' local sample
expect 'vision/detection' list --name '^vision'
expect '"id"' create 'smoke/test' --user 'Ana Souza' --json
expect 'smoke/test' list --name '^smoke' -o tsv
expect '"deleted":' delete smoke --force --json
expect 'undone' undo --yes
expect 'smoke/test' list --name '^smoke' -o tsv
expect '' doctor
echo 'smoke test passed'
