#!/usr/bin/env bash
# Six real webhooks, signed, through pnow-hook, the inbox and the real pipeline into a sandbox CRM; then what the CRM holds, and the
# report of it. Run it with "make demo"; it leaves the report, at $1, and nothing else.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
report=$(realpath "${1:-pnow-report.html}")
work=$(mktemp -d)
sandbox='' hook=''
finish() {
	[ -z "$hook" ] || kill "$hook" 2>/dev/null || true
	[ -z "$sandbox" ] || kill "$sandbox" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
umask 077
export no_proxy='*' # of whoever runs it

# Waits until a server has written its port.
port() {
	for _ in $(seq 1200); do
		[ ! -s "$1" ] || break
		sleep 0.05
	done
	cat "$1"
}

printf 'sandbox-pnp-token\n' >"$work/pnp.token"
printf 'sandbox-crm-token\n' >"$work/crm.token"
printf 'a secret between PatientNow and us\n' >"$work/hook.secret"

echo 'Starting the sandbox, a stand-in for PatientNow and the CRM, and pnow-hook in front of the inbox ...'
pnow-sandbox -s "$here/sandbox/seed.json" -q 1000 -R 200000 -p "$work/sandbox.port" >/dev/null &
sandbox=$!
api=http://127.0.0.1:$(port "$work/sandbox.port")

# The example practice, pointed at the sandbox (jq reads no comments, so they go first).
sed -e 's#^ *//.*##' "$here/practice/glow-denver.json" | jq --arg api "$api" --arg work "$work" \
	'.state = $work + "/glow-denver.db"
	| .patientnow += {base_url: ($api + "/patientnow"), token_file: ($work + "/pnp.token")}
	| .crm += {base_url: ($api + "/crm"), token_file: ($work + "/crm.token")}
	| .hooks.patientnow.secret_file = $work + "/hook.secret"' >"$work/glow-denver.json"
cp "$here/practice/glow-denver.categories.csv" "$work"

export PNOW_CONFIG=$work/glow-denver.json
pnow-hook -l 127.0.0.1:0 -p "$work/hook.port" >/dev/null &
hook=$!
url=http://127.0.0.1:$(port "$work/hook.port")/hook/glow-denver/patientnow

# What the CRM holds of the patient, as far as an event is about it.
declare -A shows=(
	[patient.created]='"contact \(.firstName) \(.lastName), \(.phone), source \(.source)"'
	[appointment.booked]='"next visit \(.fields["Next Visit Date"]) \(.fields["Next Visit Service"]), \(.opportunities[0].pipeline): \(.opportunities[0].stage), \(.opportunities[0].status)"'
	[appointment.status]='"\(.fields["PNOW Appt Status"]), last visit \(.fields["Last Visit Date"]), \(.opportunities[0].pipeline): \(.opportunities[0].stage), \(.opportunities[0].status)"'
	[bill.completed]='"lifetime value \(.fields["Patient Lifetime Value"]), opportunity \(.opportunities[0].monetaryValue), last: \(.fields["Last Visit Service"])"'
	[membership.created]='"\(.fields["PNOW Membership Program Name"]) since \(.fields["PNOW Membership Sold Date"]), tag \(.tags | join(", "))"'
	[patient.updated]='"contact \(.firstName) \(.lastName), \(.phone)"'
)

printf '\n%-20s %-7s %-6s %s\n' EVENT ANSWER CALLS 'THE CRM HOLDS'
for type in patient.created appointment.booked appointment.status bill.completed membership.created patient.updated; do
	body=$here/webhooks/$type.json
	signature=$(openssl dgst -sha256 -hmac 'a secret between PatientNow and us' -r "$body" | cut -d' ' -f1)
	answer=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -H "X-Signature: $signature" \
		--data-binary @"$body" "$url")
	pnow-inbox run -1 -- pnow-sync
	result=$(pnow-inbox results | tail -n 1)
	holds=$(curl -sS "$api/_/state" | jq -r ".contacts[] | select(.email == \"ana@example.com\") | ${shows[$type]}")
	printf '%-20s %-7s %-6s %s\n' "$type" "$answer" "$(jq -r .calls <<<"$result")" "$holds"
	[ "$answer" = 200 ] && [ "$(jq -r .status <<<"$result")" = "done" ] && [ -n "$holds" ] || {
		echo "demo: $type did not get through: $result" >&2
		exit 1
	}
done

printf '\nNotes on the contact, and the workflows it is enrolled in:\n'
curl -sS "$api/_/state" | jq -r '.contacts[] | select(.email == "ana@example.com")
	| (.notes[] | gsub("\n"; "; ") | "  note      " + .), (.workflows[] | "  workflow  " + .)'

pnow-inbox results | pnow-report >"$report"
printf '\nWhat an owner is shown of it (pnow-report), to be opened in a browser: %s\n' "$report"
