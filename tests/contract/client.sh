#!/usr/bin/env bash
# The CRM vendor's own client for Node (@gohighlevel/api-client) works on pnow-sandbox, unmodified but for its base URL: contacts,
# tags, notes, workflows, opportunities, the calendar, OAuth, limits. Its answers are what the published description
# ($PNOW_HIGHLEVEL, as in contract.sh) says; its webhooks are believed, forged ones are not. What the client does is in client.js. Needs "make deps-contract".
# shellcheck source=tests/tap.sh disable=SC2154 # tap.sh sets work and root
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/contract/judge.bash
. "$root/tests/contract/judge.bash" @gohighlevel/api-client ajv

# sandbox NAME OPTION…: starts one, and writes its address.
sandbox()
{
	local name=$1
	shift
	pnow-sandbox -s "$root/examples/sandbox/seed.json" -p "$name.port" "$@" >"$name.out" 2>"$name.err" &
	started+=($!)
	await "$name.out" # comes after the port
}

openssl genpkey -algorithm ed25519 -out key.pem
openssl pkey -in key.pem -pubout -out key.pub
description=${PNOW_HIGHLEVEL:-$root/../shared/highlevel}
if [ ! -d "$description/apps" ]; then
	skip "the sandbox's answers are what the description says" 'the API description is not there: set PNOW_HIGHLEVEL'
	description=''
fi
receiver=http://127.0.0.1:$(free_port)/
sandbox main -k key.pem -w "$receiver"
sandbox limited -r 3/1000
judge client "$(<main.out)" "$(<limited.out)" "$receiver" key.pub "$description"
is 'the client spoke as it always does' "$(curl -s "$(<main.out)/_/requests" | jq -r 'select(.version) | .version' | sort -u)" 2023-02-21
kill "${started[@]}"
wait 2>"/dev/null"
finish
