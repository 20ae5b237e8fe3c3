#!/usr/bin/env bash
# What pnow-operations(7) has people type, typed: block after block, in one shell, on a machine of two practices. What belongs to the
# system (services, the journal, other users, keys) is answered by scripts of the test: none of it is ours, and a test may not touch it.
# shellcheck disable=SC2154 # from tap.sh: root, bin, work, started
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
umask 077
mkdir -p etc/tokens etc/secrets lib backups blocks system
make_secrets etc/tokens
mv etc/tokens/pne.* etc/secrets
cp "$root/examples/rehearsal/hook.secret" etc/secrets
cp "$root/examples/practice/glow-denver.categories.csv" etc
pnow-sandbox -s "$root/examples/sandbox/seed.json" -p port >out &
started+=($!)
await port
sandbox=$(<port)
sed 's#^ *//.*##; s# // .*##' "$root/examples/rehearsal/glow-denver.json" | sed "s/8042/$sandbox/g" | jq --arg lib "$work/lib" '
	.state = $lib + "/glow-denver.db" | .patientnow.token_file = "tokens/pnp.token" | .crm.token_file = "tokens/crm.token"
	| .hooks.patientnow.secret_file = "secrets/hook.secret"' >etc/glow-denver.json
jq --arg lib "$work/lib" '.practice = "shine" | .state = $lib + "/shine/shine.db"' etc/glow-denver.json >later
pnow-hook -l 127.0.0.1:0 -p hook.port -c etc/glow-denver.json >out 2>hook.err &
started+=($!)
await hook.port

for name in systemctl journalctl make; do
	printf '#!/bin/sh\nexit 0\n' >system/$name
done
printf '#!/bin/sh\nexec cat\n' >system/gpg
# shellcheck disable=SC2016 # theirs
printf '%s\n' '#!/bin/sh' '[ "$1 $2 $3" = "-u pnow --" ] && shift 3 && exec "$@"' >system/runuser
# shellcheck disable=SC2016
printf '%s\n' '#!/bin/sh' '[ "$1" != -o ] || shift 2' "exec $(command -v install)"' "$@"' >system/install
chmod +x system/*
PATH=$work/system:$PATH

# Something to look at: an event that was carried out, one that is dead, and a patient.
tr -d '\n' <"$root/examples/webhooks/appointment.booked.json" >event
PNOW_CONFIG=etc/glow-denver.json pnow-inbox add <event >added
jq -c '.data.patientId = "10999" | .data.appointmentId = "7" | .eventId = "evt-dead"' event | PNOW_CONFIG=etc/glow-denver.json pnow-inbox add >>added
PNOW_CONFIG=etc/glow-denver.json pnow-inbox run -1 -- pnow-sync 2>run.err
is 'there are events, done and dead' "$(PNOW_CONFIG=etc/glow-denver.json pnow-inbox list | jq -r .state | xargs)" 'done dead'

# The blocks of the page, up to its rehearsal, each in a file.
awk -v folder=blocks '/^\.Sh EXAMPLES/ { exit } /^\.Ed/ { on = 0 } on { print >file } /^\.Bd -literal$/ { on = 1; file = sprintf("%s/%03d", folder, ++n) }' \
	"$root/man/pnow-operations.7"
sed -i "s#\\\\e\$#\\\\#; s#/etc/pnow#$work/etc#g; s#/var/lib/pnow#$work/lib#g; s#/var/backups/pnow#$work/backups#g; s#EVENT#evt-dead#g
	s#https://HOST#http://127.0.0.1:$(<hook.port)#; s#127.0.0.1:8080#127.0.0.1:$(<hook.port)#" blocks/*
trap 'status=$?; [ $status -lt 64 ] || worst=$status' ERR
for block in "$work"/blocks/*; do
	! grep -q 'etc/shine.json' "$block" || cp "$work/later" "$work/etc/shine.json"
	worst=0
	# shellcheck source=/dev/null
	. "$block" <"$work/etc/tokens/crm.token" >"$work/out" 2>"$work/err"
	said=$(grep -E 'usage:|not found|No such' "$work/err")
	is "$(head -n 1 "$block" | cut -c 1-100)" "$worst $said" '0 '
done
finish
