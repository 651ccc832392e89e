#!/bin/sh
# The main job, on a private MongoDB in a folder of its own: sample data, then a project's whole life.
set -eu

PROJECTS_LOCAL_DIR=${1:?usage: demo.sh FOLDER}
export PROJECTS_LOCAL_DIR
unset PROJECTS_MONGO_URI PROJECTS_MONGO_URI_FILE PROJECTS_PROFILE
unset CLEARML_MONGODB_SERVICE_CONNECTION_STRING CLEARML_MONGODB_SERVICE_HOST

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

echo 'A private MongoDB starts by itself; no port is opened.'
projects local reset --yes --quiet
show local sample
show list --limit 8
show list --name '^vision' --stats
show create 'demo/road signs' --description 'Which sign is it?' --tag prod
show get 'demo/road signs'
show update 'demo/road signs' --name 'demo/traffic signs' --add-tag urgent
show list --tag urgent --json
show hyperparams --page-size 5
show delete demo --dry-run
show delete demo --force
show local status
projects local stop --quiet
printf '\nThat was the main job. Next: README.md, or %s --help\n' "$(command -v projects)"
