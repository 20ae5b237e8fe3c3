#!/usr/bin/env bash
# pnow-sync: the ordinary pipeline for every workflow, from events to results.
# The status is crm-push's, or that of a filter before it that failed: one that could not start is never taken for success.
set -o pipefail

usage='usage: pnow-sync [-nv] [-c FILE]
Runs events (NDJSON on standard input) through pnow-enrich | categorize | crm-map | crm-push.
  -c FILE  the practice'\''s configuration (else $PNOW_CONFIG)
  -n       write the requests that would be sent to the CRM, and send none (PatientNow is still asked)
  -v       say more
  -h, -V   this help, the version'

wrong() {
	printf '%s\npnow-sync -h tells more\n' "${usage%%$'\n'*}" >&2
	exit 64
}

verbose=() dry=()
while getopts c:hnvV option; do
	case $option in
	c) export PNOW_CONFIG=$OPTARG ;;
	n) dry=(-n) ;;
	v) verbose=(-v) ;;
	h)
		printf '%s\n' "$usage"
		exit 0
		;;
	V)
		version=$(crm-push -V) || exit
		printf 'pnow-sync %s\n' "${version#* }"
		exit 0
		;;
	*) wrong ;;
	esac
done
[ $OPTIND -gt $# ] || wrong

# A mistake in the configuration is told once, and not by four filters.
categorize </dev/null || exit
pnow-enrich "${verbose[@]}" | categorize "${verbose[@]}" | crm-map "${verbose[@]}" | crm-push "${verbose[@]}" "${dry[@]}"
