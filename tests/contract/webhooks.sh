#!/usr/bin/env bash
# Webhooks that others' libraries sign (standardwebhooks and svix, npm), and what happens to them on their way: pnow-hook believes
# and refuses what the library does that signed it. The CRM's are judged by its vendor's own client. What is sent is in
# webhooks.js. Needs "make deps-contract".
# shellcheck source=tests/command/hook.bash disable=SC2154 # tap.sh sets root; hook.bash port
. "$(dirname "$0")/../command/hook.bash"
# shellcheck source=tests/contract/judge.bash
. "$root/tests/contract/judge.bash" standardwebhooks svix @gohighlevel/api-client

umask 077
printf 'whsec_%s' "$(openssl rand -base64 32)" >whsec
printf 'the secret, as it stands' >raw
openssl genpkey -algorithm ed25519 -out key.pem
openssl pkey -in key.pem -pubout -out key.pub
practice judged America/Denver '"patientnow": {"verify": "standard-webhooks", "secret_file": "whsec"},
	"crm": {"verify": "ed25519", "key_file": "key.pub"}'
practice raw America/Denver '"patientnow": {"verify": "standard-webhooks", "secret_file": "raw"}'
practice svix America/Denver '"patientnow": {"verify": "standard-webhooks", "header": "svix-signature", "secret_file": "whsec"}'
listen judged -n -c judged.json -c raw.json -c svix.json
judge webhooks "http://127.0.0.1:$port" "$(<whsec)" "$(<raw)" key.pem
is 'each that was believed became an event, and no other' "$(sed 1d judged.out | wc -l)" "$(grep -c '200 true$' judged)"
stop
finish
