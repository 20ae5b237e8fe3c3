#!/usr/bin/env bash
# What state/state.h promises, of a database.
# shellcheck disable=SC2034,SC2154 # state.bash reads ENGINE, and sets CLUSTER and DATABASES; tap.sh sets bin and work
ENGINE=postgresql
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
printf '{"practice":"state","state":"state.db"}\n' >state.json
on_engine state.json
"$bin/../unit/state" "$(basename "$(echo "$DATABASES"/*)")" "$CLUSTER" "$work"
