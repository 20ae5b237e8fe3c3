#!/usr/bin/env bash
# pnow.conf(5), SECRETS: a token, a password or a key that is changed while programs run is used from the next request on.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
T1=2026-12-01T10:00:00Z

# What OAuth gives is a token of the main sub-account beside its private one, and can be revoked.
other_token()
{
	curl -sS "$API/crm/oauth/locationToken" -H 'Authorization: Bearer sandbox-agency-token' -H 'Version: 2021-07-28' \
		-d companyId=sandboxCompany000000 -d "locationId=$MAIN" | jq -r .access_token
}
revoke()
{
	at_sandbox revoke POST '{"what":"access"}'
}

# start COMMAND…: a filter whose input is descriptor 7.
start()
{
	rm -f "$DIR/pipe" "$DIR/out"
	mkfifo "$DIR/pipe"
	"$@" <"$DIR/pipe" >"$DIR/out" 2>"$DIR/err" &
	process=$!
	started+=("$process")
	exec 7>"$DIR/pipe"
}
end()
{
	exec 7>&-
	wait "$process"
}

# lines N: whether that many have come out.
lines()
{
	[ "$(wc -l <"$DIR/out")" -ge "$1" ]
}

# give FILE [N]: an event into the filter; waits until it has written N lines.
give()
{
	cat "$DIR/$1" >&7
	until_true lines "$2"
}

# --- The CRM

seed .
sandbox
practice test
for n in 1 2 3 4; do
	event patient.created "e$n" $T1 "{patient: {id: \"$n\", first_name: \"A\", last_name: \"B\", email: \"$n@example.com\"}}" |
		crm-map >"$DIR/e$n"
done
other_token >"$DIR/crm.token"
start crm-push -j 1
give e1 1
revoke
printf 'sandbox-crm-token\n' >"$DIR/crm.token"
give e2 2
is 'a token of the CRM that is changed while it runs: the next request has it' \
	"$(jq -r .status "$DIR/out" | xargs) $(requests 'select(.status == 401) | .n')" 'done done '
: >"$DIR/crm.token"
give e3 3
end
is 'a file that holds nothing for a moment: what it held before counts' "$(tail -n 1 "$DIR/out" | jq -r .status)" 'done'
like 'both is said, once' "$(<"$DIR/err")" "crm-push: the secret file $DIR/crm.token has changed, and was read again
crm-push: the secret file $DIR/crm.token is empty: *: what it held before counts"
is 'a secret is not among it' "$(grep -c sandbox-crm-token "$DIR/err")" 0

other_token >"$DIR/crm.token"
fault 401 count=1
fault delay ms=1000 count=1
start crm-push -j 1
cat "$DIR/e4" >&7
until_true matches '"left": *0' faults
printf 'sandbox-crm-token\n' >"$DIR/crm.token"
until_true lines 1
end
is 'a token that is refused, and whose file has another: the request is made with that' \
	"$(jq -r '"\(.status) \(.calls)"' "$DIR/out") $(requests '.status' | tail -n 2 | xargs)" 'done 2 401 200'
faults_end

# --- PatientNow, both products

# lookups: raw events of a patient, one in a file each; what is in the cache is too old for them.
lookups()
{
	for n in 1 2 3; do
		jq -nc --arg id "w$n" --arg at "$(date -u -d '+1 hour' +%FT%TZ)" '{$id, type: "patient.updated", practice: "test",
			source: "webhook", received: $at, payload: {data: {patientId: "10234", CustomerId: "10234"}}}' >"$DIR/w$n"
	done
}

# ask: what three lookups come to, the secret being right, wrong, and right again.
ask()
{
	lookups
	start pnow-enrich -j 1
	give w1 1
	cp "$DIR/$1" "$DIR/right"
	printf 'not-the-secret\n' >"$DIR/$1"
	give w2 2
	cat "$DIR/right" >"$DIR/$1"
	give w3 3
	end
	jq -r '.error.code // .patient.last_name' "$DIR/out" | xargs
}

sandbox_stop
seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com"}]'
sandbox
practice test
is 'a token of PatientNow that is changed while it runs' "$(ask pnp.token)" 'Lopez refused Lopez'
rm -f "$DIR"/test.db*
PROFILE=patientnow-essentials practice test
is 'a password of PatientNow that is changed while it runs' "$(ask pne.password)" 'Lopez refused Lopez'
rm -f "$DIR"/test.db*
is 'a key of its gateway that is changed while it runs' "$(ask pne.apikey)" 'Lopez refused Lopez'
finish
