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
cat >system/runuser <<-END
	#!/bin/sh
	case "\$1 \$2 \$3" in
	'-u pnow --') HOME=$work/lib ;;
	'-u postgres --') export PGHOST=\$(cat $work/cluster) PGUSER=postgres ;;
	*) exit 1 ;;
	esac
	shift 3 && exec "\$@"
END
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

# The blocks of the page, up to its rehearsal, each in a file; the name tells those of several hosts.
awk -v folder=blocks '/^\.Sh EXAMPLES/ { exit } /^\.Sh/ { hosts = /SEVERAL HOSTS/ ? ".hosts" : "" } /^\.Ed/ { on = 0 } on { print >file }
	/^\.Bd -literal$/ { on = 1; file = sprintf("%s/%03d%s", folder, ++n, hosts) }' "$root/man/pnow-operations.7"
sed -i "s#\\\\e\$#\\\\#; s#/etc/pnow#$work/etc#g; s#/var/lib/pnow#$work/lib#g; s#/var/backups/pnow#$work/backups#g; s#EVENT#evt-dead#g
	s#https://HOST#http://127.0.0.1:$(<hook.port)#; s#127.0.0.1:8080#127.0.0.1:$(<hook.port)#" blocks/*
sed -i "s#/usr/local/share/doc/pnow/examples#$root/examples#g; s#/etc/systemd/system#$work/units#g" blocks/*.hosts

# A database for several hosts, where there is PostgreSQL; there is nothing in it yet.
# shellcheck source=tests/postgres.bash
. "$root/tests/postgres.bash"
has_postgres=false
if postgres_programs >out; then
	PNOW_POSTGRES=$work/cluster PNOW_POSTGRES_OWNER=$$
	postgres_start && has_postgres=true
	printf '[pnow]\nhost=%s\ndbname=pnow\nuser=pnow\n' "$(<cluster)" >service
fi
# there, dumped: the ids and states of events, in the state now, and in the last dump.
there()
{
	runuser -u pnow -- pnow-inbox -c etc/glow-denver.json list | jq -r '"\(.id) \(.state)"' | sort
}
dumped()
{
	jq -r 'select(.record == "event") | "\(.id) \(.state)"' backups/glow-denver.ndjson | sort
}

trap 'status=$?; [ $status -lt 64 ] || worst=$status' ERR
for block in "$work"/blocks/*; do
	! grep -q 'etc/shine.json' "$block" || cp "$work/later" "$work/etc/shine.json"
	if [[ $block == *.hosts ]] && ! $has_postgres; then
		skip "$(head -n 1 "$block" | cut -c 1-100)" 'no PostgreSQL here'
		continue
	fi
	if grep -q 'openssl req' "$block" && ! command -v openssl >out; then
		skip "$(head -n 1 "$block" | cut -c 1-100)" 'no openssl here'
		continue
	fi
	typed=$work/etc/tokens/crm.token
	! grep -q pg_service "$block" || typed=$work/service
	worst=0
	# shellcheck source=/dev/null
	. "$block" <"$typed" >"$work/out" 2>"$work/err"
	said=$(grep -E 'usage:|not found|No such|ERROR' "$work/err")
	is "$(head -n 1 "$block" | cut -c 1-100)" "$worst $said" '0 '
	case $block in
	*.hosts) ! grep -q ' dump -o ' "$block" || is '... and what was dumped is there now' "$(cd "$work" && there)" "$(cd "$work" && dumped)" ;;
	esac
done
! $has_postgres || postgres_stop
finish
