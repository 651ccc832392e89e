#!/bin/sh
# One night of maintenance, for cron: a backup, one spelling of a tag, a policy, a report, a check.
#
#   night.sh FOLDER     e.g. in a crontab:  0 3 * * *  /usr/local/share/projects/night.sh /var/backups/projects
#
# FOLDER gets the backups, the report and the log. The policy `nightly` is in the configuration (docs/policies.md), and
# so is the connection, or in variables. Whenever this script is stopped, the next night first finishes what was begun.
# cron mails what is printed; the status is not 0 if a step failed.
set -eu

folder=${1:?usage: night.sh FOLDER}
now=$(date +%Y%m%d-%H%M%S)
mkdir -p "$folder"
export PROJECTS_LOG_FILE="$folder/night.log" PROJECTS_YES=1 PROJECTS_NO_INPUT=1

projects resume --quiet
projects export --quiet --with tasks,models --to "$folder/all-$now.jsonl.gz"
projects tags merge Prod production --into prod
projects prune --policy nightly --backup "$folder/pruned-$now.jsonl.gz"
projects report --html "$folder/report.html" --clobber >/dev/null
# 6: there are findings, which are printed.
projects doctor || [ $? -eq 6 ]
