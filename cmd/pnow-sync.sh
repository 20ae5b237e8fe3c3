#!/usr/bin/env bash
# pnow-sync: the ordinary pipeline for every workflow, from events to results.
# The status is crm-push's, or that of the first filter behind which it failed: a filter that could not start is never
# taken for success.
set -o pipefail

usage='usage: pnow-sync [-hV] [-c FILE]
Runs events (NDJSON on standard input) through pnow-enrich | categorize | crm-map | crm-push.
  -c FILE  the practice'\''s configuration (else $PNOW_CONFIG)
  -h, -V   this help, the version'

while getopts c:hV option; do
	case $option in
	c) export PNOW_CONFIG=$OPTARG ;;
	h)
		printf '%s\n' "$usage"
		exit 0
		;;
	V) exec crm-push -V ;;
	*)
		printf '%s\n' "${usage%%$'\n'*}" >&2
		exit 64
		;;
	esac
done
shift $((OPTIND - 1))
if [ $# -gt 0 ]; then
	printf '%s\n' "${usage%%$'\n'*}" >&2
	exit 64
fi
pnow-enrich | categorize | crm-map | crm-push
