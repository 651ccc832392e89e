#!/bin/sh
# Demonstrates the tool on a private MongoDB in a folder of its own: sample data, then the life of a project.
set -eu
exec 2>&1 # keep notices in order with the output, in a pipe or a file too

folder=${1:?usage: demo.sh FOLDER (an absolute path)}

# The demo must not use a database that the user or a server's environment has configured.
for name in $(env | sed -nE 's/^((PROJECTS|CLEARML|TRAINS|MONGODB)_[A-Z0-9_]*)=.*/\1/p'); do
    [ "$name" = PROJECTS_MONGOD ] || unset "$name"
done
cd / # without a .projects.toml
export PROJECTS_LOCAL_DIR="$folder" XDG_CONFIG_HOME="$folder/no-configuration" PROJECTS_NO_PAGER=1

# In a pipe as well: aligned columns, and ages instead of times.
export PROJECTS_OUTPUT=table PROJECTS_TIME=relative

show() {
    printf '\n$ projects'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_=/.:,-]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    projects "$@"
}

echo 'A private MongoDB is started automatically; it opens no port.'
projects local reset --yes --quiet
show local sample
show list --limit 8
show list --name '^vision/detection' --stats
show create 'demo/road signs' --description 'Which sign is it?' --tag prod --user 'Ana Souza'
show get 'demo/road signs'
show update 'demo/road signs' --name 'demo/traffic signs' --add-tag urgent
show list --tag urgent --json
show hyperparams --page-size 5
show delete demo --dry-run
show delete demo --force
show local status
projects local stop --quiet
printf '\nEnd of the demo. Next: README.md, or %s --help\n' "$(command -v projects)"
