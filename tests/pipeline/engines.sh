#!/usr/bin/env bash
# A practice goes from SQLite to PostgreSQL in the middle of a day, and back in the evening, each time while events wait and answers are
# lost. Both CRMs and PatientNow then hold what they hold after the day of one that has stayed where it was.
# shellcheck disable=SC2016,SC2154 # until_true eval; from tap.sh
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
on_sqlite || { printf '1..0 # SKIP it has both engines\n'; exit; }
state_begin
on=''

ago() # MINUTES
{
	date -u -d "-$1 min" +%FT%TZ
}
T1=$(ago 240) T2=$(ago 230) T3=$(ago 220) T4=$(ago 120) T5=$(ago 110) T6=$(ago 100) T7=$(ago 60) T8=$(ago 50) T9=$(ago 40)
gold='{membership: {id: "77", program: "Glow Club", sold_date: "2026-11-01", amount: "129.00"}}'

# add: events on standard input, into the inbox of the practice as it is now. run: what is due is carried out.
add()
{
	pnow-inbox add >"$DIR/added"
}
run()
{
	pnow-inbox run -1 -- pnow-sync 2>>"$DIR/run.err"
}

# move FROM TO: what the state of one configuration remembers goes to that of the other.
move()
{
	[ "$1" != "$2" ] || return 0
	pnow-inbox -c "$DIR/$1.json" dump -o "$DIR/moved" && pnow-inbox -c "$DIR/$2.json" load -m "$DIR/moved" || moved="from $1 to $2: $?"
	export PNOW_CONFIG=$DIR/$2.json
}

# day MORNING AFTERNOON EVENING: a day, with the state of these configurations; what is held at its end is in $DIR/MORNING-AFTERNOON.
day()
{
	seed '.crm.locations[0].contacts = [{firstName: "Ben", lastName: "Okafor", email: "ben@example.com", phone: "+17205550117",
			fields: {"Patient Lifetime Value": "100.25"}},
		{firstName: "Cleo", lastName: "Park", gender: "female", dateOfBirth: "1990-02-03", phone: "+13035550199", email: "cleo@example.com",
			tags: ["pnowcreate"]}] | .crm.oauth.expires_in = 86399'
	sandbox
	local name
	for name in file database file2; do
		practice $name '.practice = "test" | .retry_seconds = [0, 0, 3600] | .crm |= (del(.token_file) | .oauth = {client_id: "sandbox-client",
			client_secret_file: "client.secret", refresh_token_file: "refresh.token"})'
	done
	printf 'sandbox-client-secret\n' >"$DIR/client.secret"
	printf 'sandbox-crm-refresh\n' >"$DIR/refresh.token" # good for one use: what came of it is in the state
	ENGINE=postgresql on_engine "$DIR/database.json"
	export PNOW_CONFIG=$DIR/$1.json

	{
		event patient.created m1 "$T1" '{patient: $ana}'
		event appointment.booked m2 "$T2" '{patient: $ana} + visit("88123"; "booked")'
		event bill.completed m3 "$T3" '{patient: $ana} + bill("991"; "450.00")'
		event patient.created m4 "$T3" '{patient: $ben}'
	} | add
	run
	fault reset-after path=/notes method=POST count=3 # a note is there, and its answer is not
	event bill.completed n1 "$T3" '{patient: $ben} + bill("992"; "20.00")' | add
	run
	faults_end
	event appointment.booked n2 "$T3" '{patient: $ben} + visit("88124"; "booked")' | add # it waits behind that
	move "$1" "$2"

	pnow-inbox retry -s waiting >"$DIR/retried"
	{
		event appointment.status a1 "$T4" '{patient: $ana} + visit("88123"; "checked_out")'
		event bill.completed a2 "$T5" '{patient: $ana} + bill("991"; "460.50")'
		event bill.completed m3 "$T3" '{patient: $ana} + bill("991"; "450.00")' # once more
		event membership.created a3 "$T6" "{patient: \$ana} + $gold"
	} | add
	pnow-fetch -i -l tagged 2>>"$DIR/run.err" # Cleo, who is to be a patient
	run
	fault 500 path=/contacts/ method=PUT count=9
	event bill.completed e1 "$T7" '{patient: $ana} + bill("993"; "30.00")' | add
	run
	faults_end
	event bill.completed e2 "$T8" '{patient: $ben} + bill("994"; "10.00")' | add
	move "$2" "$3"

	pnow-inbox retry -s waiting >"$DIR/retried"
	event bill.completed e3 "$T9" '{patient: $ana} + bill("993"; "25.00")' | add
	run
	pnow-inbox retry -s 'done' >"$DIR/retried" # all of the day again
	run
	at_sandbox state | jq -S '{contacts: (.contacts | del(.. | .id?)), patients: (.patients | del(.. | .updatedAt?))}' >"$DIR/$1-$2"
	pnow-inbox list | jq -r '(if .type == "contact.tagged" then "tagged" else .id end) + " " + .state' | sort >"$DIR/$1-$2.list" # its id is of the contact's
	sandbox_stop
}

moved=''
day file file file
state_remove "$DIR/file.db"
day file database file2
is 'each move is made' "$moved" ''
is 'after a day on two engines events stand where they stand without' "$(<"$DIR/file-database.list")" "$(<"$DIR/file-file.list")"
same 'the CRM and PatientNow hold the same' "$(<"$DIR/file-database")" "$(<"$DIR/file-file")"
is 'each bill is in the lifetime value once' \
	"$(jq -r '.contacts[] | "\(.email) \(.fields["Patient Lifetime Value"] // 0)"' "$DIR/file-database" | sort | xargs)" \
	'ana@example.com 485.50 ben@example.com 130.25 cleo@example.com 0'
is 'nothing was dead' "$(grep dead "$DIR"/*.list)$(grep 'is dead' "$DIR/run.err")" ''
finish
