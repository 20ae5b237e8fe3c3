#!/usr/bin/env bash
# The CRM's calendar, where the practice wants it: appointments of PatientNow as block slots or as appointments there; each
# once, whatever is repeated, lost or killed.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
year=$(($(date +%Y) + 1)) # what is to come
day=$year-12-01T
told=0

# begin block|appointment [FILTER]: a CRM with nobody in it, and a practice that has nothing in the ledger.
begin()
{
	sandbox_reset
	state_remove "$DIR/test.db"
	practice test ".calendar = {name: \"PatientNow\", as: \"$1\"} | .workflows = {} | .move_opportunities = false${2:+ | $2}"
}

# tell ID STATUS START [END]: Ana's appointment, each time a minute after what was told before; in $DIR/event.
tell()
{
	told=$((told + 1))
	event "appointment.$([ "$2" = booked ] && echo booked || echo status)" "e$told" "$(printf '2026-11-01T%02d:%02d:00Z' $((told / 60)) $((told % 60)))" \
		"{patient: \$ana} + visit(\"$1\"; \"$2\") | .appointment.start = \"$3\"${4:+ | .appointment.end = \"$4\"}" >"$DIR/event"
}

# send [OPTION…]: the event through categorize, crm-map and crm-push; into $DIR/result.
send()
{
	push "$@" <"$DIR/event" >"$DIR/result" 2>>"$DIR/err"
}

# come ID STATUS START [END]: told, and sent.
come()
{
	tell "$@"
	send
}

# What became of the event, and of its entry.
outcome()
{
	jq -r '"\(.status) \([.actions[]? | select(.op == "calendar.set") | .status] | first // "none")"' "$DIR/result"
}

# What stands in the calendar.
entries()
{
	at_sandbox state | jq -c '.calendar[] | [.title, .startTime, .endTime, .appointmentStatus // "block"]' | paste -sd' '
}

# The requests about calendars that change something.
changes()
{
	requests 'select(.method != "GET" and (.path | startswith("/calendars/"))) | "\(.method) \(.path | split("/")[3] // "")"' | jq -r . | paste -sd,
}

seed .
sandbox
botox='Botox (PatientNow 1)'

# --- Block slots

begin block
come 1 booked "${day}10:00:00-07:00" "${day}10:45:00-07:00"
is 'a booking takes its time in the calendar, and is marked as ours' "$(outcome) $(entries)" \
	"done done [\"$botox\",\"${day}10:00:00-07:00\",\"${day}10:45:00-07:00\",\"block\"]"
is 'no name of a person is in it' "$(at_sandbox state | jq -c .calendar | grep -iE 'ana|lopez|555')" ''
send
is 'told again it is not sent again' "$(outcome) $(changes)" 'unchanged none POST block-slots'
come 1 booked "${day}11:00:00-07:00"
is 'moved, it is moved; without an end it takes half an hour' "$(outcome) $(entries)" \
	"done done [\"$botox\",\"${day}11:00:00-07:00\",\"${day}11:30:00-07:00\",\"block\"]"
cp "$DIR/event" "$DIR/older"
come 1 cancelled "${day}11:00:00-07:00"
is 'cancelled, its time is free' "$(outcome) $(entries)" 'done done '
cp "$DIR/older" "$DIR/event"
send
is 'an older event changes nothing' "$(outcome) $(entries)" 'unchanged none '
come 1 booked "${day}12:00:00-07:00"
is 'booked again, it takes its time again' "$(outcome) $(entries)" \
	"done done [\"$botox\",\"${day}12:00:00-07:00\",\"${day}12:30:00-07:00\",\"block\"]"
come 1 checked_out "${day}12:00:00-07:00"
come 2 checked_out "${day}15:00:00-07:00"
is 'what was never in the calendar is not put there by a checkout' "$(outcome) $(entries)" \
	"done unchanged [\"$botox\",\"${day}12:00:00-07:00\",\"${day}12:30:00-07:00\",\"block\"]"
come 3 booked 2020-12-01T10:00:00-07:00
is 'nor what is over' "$(outcome)" 'done unchanged'

nobody='{patient: {id: "7"}} + visit("9"; "booked")'
for start in 10 11; do
	event appointment.booked "n$start" "2026-11-02T$start:00:00Z" "$nobody | .appointment.start = \"${day}$start:00:00-07:00\"" >"$DIR/event"
	send
done
is 'a block slot is there for a patient whom the CRM does not know, too' "$(outcome) $(entries | grep -o '"Botox (PatientNow 9)","[^"]*"')" \
	"skipped done \"Botox (PatientNow 9)\",\"${day}11:00:00-07:00\""

# --- Appointments

begin appointment '.calendar.user_id = "reyes"'
come 1 booked "${day}10:00:00-07:00" "${day}10:45:00-07:00"
is 'as an appointment it is confirmed, and the contact'\''s' "$(outcome) $(entries) $(at_sandbox state | jq -c '.contacts[0].id == .calendar[0].contactId')" \
	"done done [\"$botox\",\"${day}10:00:00-07:00\",\"${day}10:45:00-07:00\",\"confirmed\"] true"
for status in checked_out no_show cancelled; do
	come 1 $status "${day}10:00:00-07:00" "${day}10:45:00-07:00"
	entries | jq -r '.[3]'
done >"$DIR/statuses"
is 'its status follows the event' "$(paste -sd, "$DIR/statuses")" showed,noshow,cancelled
come 1 booked "${day}16:00:00-07:00"
is 'booked again it is the one that is there' "$(outcome) $(entries)" "done done [\"$botox\",\"${day}16:00:00-07:00\",\"${day}16:30:00-07:00\",\"confirmed\"]"
is 'nobody is notified of any of it' \
	"$(requests 'select(.method != "GET" and (.path | startswith("/calendars/"))) | [.body.toNotify, .body.assignedUserId]' | sort | uniq -c | sed 's/^ *//')" '5 [false,"reyes"]'

come 2 booked "${day}10:00:00-07:00"
practice test '.calendar = {name: "PatientNow"} | .workflows = {} | .move_opportunities = false'
come 2 booked "${day}09:00:00-07:00"
is 'what is there stays an appointment, though the practice has block slots now' "$(outcome) $(entries | grep -o '"Botox (PatientNow 2).*')" \
	"done done \"Botox (PatientNow 2)\",\"${day}09:00:00-07:00\",\"${day}09:30:00-07:00\",\"confirmed\"]"

# --- Once

# lost AS FAULT: the answer to making the entry is lost, and so are those to looking for it; then the appointment is moved, and
# that is told twice.
lost()
{
	begin "$1"
	fault "$2" method=POST path=/calendars/ count=1
	fault 429 method=GET path=/calendars/events count=1 retry_after=100
	fault 429 method=GET path=/calendars/blocked-slots count=1 retry_after=100
	come 1 booked "${day}10:00:00-07:00"
	first=$(outcome)
	made=$(entries | wc -w)
	faults_end
	state_limits_forget "$DIR/test.db" # the pause that the CRM asked for
	come 1 booked "$year-12-24T08:00:00-07:00"
	second=$(outcome)
	send
}
for as in block appointment; do
	for fault in reset-after reset-before; do
		lost $as $fault
		is "$as, $fault: the answer is lost, the time has changed since, and there is one entry, at that time" \
			"$first $made, $second, $(entries | jq -c '.[:2]')" \
			"failed failed $([ $fault = reset-after ] && echo 3 || echo 0), done done, [\"$botox\",\"$year-12-24T08:00:00-07:00\"]"
	done
done
begin block
fault reset-after method=POST path=/calendars/ count=1
come 1 booked "${day}10:00:00-07:00"
is 'an answer that is lost is found at once where the CRM can be asked' "$(outcome) $(entries | wc -l) $(changes)" 'done done 1 POST block-slots'

# noted: the note, which is made at the same time, is written down.
noted()
{
	[ "$(state_sql "$DIR/test.db" "SELECT done FROM effect WHERE effect LIKE '%note.add'")" = 1 ]
}

# killed AS WHEN: while it makes the entry, before that is done or after, and nothing else.
killed()
{
	local process
	begin "$1"
	tell 1 booked "${day}10:00:00-07:00"
	fault "$2" ms=60000 method=POST path=/calendars/ count=1
	categorize <"$DIR/event" | crm-map >"$DIR/mapped"
	crm-push <"$DIR/mapped" >/dev/null 2>&1 &
	process=$!
	until_true matches '"left": ?0' faults
	until_true noted
	kill -KILL $process
	wait $process 2>/dev/null
	until_true matches '"fault": ?"(hang|delay)"' requests
	faults_end
	send
}
for as in block appointment; do
	killed $as hang
	is "$as, killed before it was made: it is made" "$(outcome) $(entries | wc -w)" 'done done 3'
	killed $as delay
	is "$as, killed behind that: it is found" "$(outcome) $(entries | wc -w) $(changes | grep -o POST | wc -l)" 'done done 3 1'
done

begin block
for i in 1 2 3 4; do
	for id in 1 2 3; do tell "$id" booked "${day}1$id:00:00-07:00"; cat "$DIR/event"; done | jq -c ".id = \"e\(.appointment.id)-$i\""
done | categorize | crm-map >"$DIR/mapped"
for i in 1 2 3; do
	crm-push <"$DIR/mapped" >"$DIR/result.$i" 2>>"$DIR/err" &
	running[i]=$!
done
wait "${running[@]}"
is 'three processes with the same events make each entry once' "$(changes | tr , '\n' | sort | uniq -c | sed 's/^ *//')" '3 POST block-slots'

# --- What the CRM refuses, and what is not there any more

begin appointment
fault quote of=startTime method=POST path=/calendars/ count=1
come 1 booked "${day}10:00:00-07:00"
like 'what the CRM refuses is left out with a warning, and the rest is done' "$(outcome) $(contact ana@example.com | jq '.notes | length') $(jq -r '.warnings[]' "$DIR/result")" \
	'done skipped 1 the CRM refused the entry in the calendar: left out (*422*'
send
is 'and made when it comes again' "$(outcome) $(entries | wc -l)" 'done done 1'
curl -sS -X DELETE "$API/crm/calendars/events/$(at_sandbox state | jq -r '.calendar[0].id')" -H 'Authorization: Bearer sandbox-crm-token' \
	-H 'Version: 2021-04-15' -H 'Content-Type: application/json' -d '{}' -o "$DIR/answer"
come 1 booked "${day}13:00:00-07:00"
is 'what staff have deleted is made again when the appointment is moved' "$(outcome) $(entries | jq -c '.[:2]')" "done done [\"$botox\",\"${day}13:00:00-07:00\"]"

for as in block appointment; do
	begin $as
	come 1 booked "${day}10:00:00-07:00" "${day}10:45:00-07:00"
	cp "$DIR/event" "$DIR/older"
	come 1 booked "${day}10:00:00-07:00" "${day}11:15:00-07:00"
	first=$(outcome)
	send
	second=$(outcome)
	cp "$DIR/older" "$DIR/event"
	send
	is "$as: an appointment that takes longer now has its new end, once, and an older event does not take it back" \
		"$first, $second, $(outcome) $(entries | jq -r '.[2]') $(changes | grep -o PUT | wc -l)" \
		"done done, unchanged none, unchanged none ${day}11:15:00-07:00 1"
	practice test ".calendar = {calendar_id: \"nowhere\", as: \"$as\"}"
	come 1 booked "${day}12:00:00-07:00"
	first=$(outcome)
	practice test ".calendar = {name: \"PatientNow\", as: \"$as\"}"
	come 1 booked "${day}13:00:00-07:00"
	is "$as: it is not made again where what the CRM did not find is something else" "$first, $(outcome) $(entries | jq -r '.[1]')" \
		"done skipped, done done ${day}13:00:00-07:00"
done
begin block
come 1 booked "${day}10:00:00-07:00"
practice test '.calendar = {name: "Nobody'\''s"}'
come 1 cancelled "${day}10:00:00-07:00"
is 'a time is given back though the calendar has another name now' "$(outcome) $(entries)" 'done done '
come 2 booked "${day}14:00:00-07:00"
is 'a calendar that is not there is told of' "$(outcome) $(jq -r '.warnings[]' "$DIR/result")" 'done skipped the CRM has no calendar "Nobody'\''s": left out'

practice test '.calendar = {name: "PatientNow"} | .facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
come 4 booked "${day}17:00:00-07:00"
is 'the calendar is that of the facility'\''s sub-account' \
	"$(outcome) $(at_sandbox state | jq -r '.calendar[] | select(.title == "Botox (PatientNow 4)") | .locationId')" "done done $DOWNTOWN"

# --- Another sub-account

# at FACILITY EVENT…: told and sent, of a facility.
at()
{
	tell "${@:2}"
	jq -c --arg facility "$1" '.appointment.facility = $facility' "$DIR/event" >"$DIR/there"
	mv "$DIR/there" "$DIR/event"
	send
}
for as in block appointment; do
	begin $as ".facilities = {Main: {location_id: \"$MAIN\", token_file: \"crm.token\"}, Downtown: {location_id: \"$DOWNTOWN\", token_file: \"downtown.token\"}}"
	at Main 1 booked "${day}10:00:00-07:00"
	cp "$DIR/event" "$DIR/older"
	at Downtown 1 booked "${day}10:00:00-07:00"
	there=$(at_sandbox state | jq -c '[.calendar[].locationId]')
	cp "$DIR/older" "$DIR/event"
	send
	is "$as: booked in another sub-account it leaves the first, and an older event does not bring it back" \
		"$there $(outcome) $(entries | wc -l)" "[\"$DOWNTOWN\"] unchanged none 1"
	at Main 1 cancelled "${day}10:00:00-07:00"
	is "$as: cancelled in one it is cancelled in the other" "$(outcome) $(entries | jq -r '.[3]')" \
		"done done $([ $as = block ] || echo cancelled)"
done

# --- The clock

begin block
sunday=$(date -d "$year-11-01 +$(((7 - $(date -d "$year-11-01" +%u)) % 7)) days" +%F) # the clock goes back at two
come 1 booked "$year-07-01 10:00"
come 2 booked "$sunday 01:45"
is 'times are the practice'\''s, in summer, in winter, and in the night between' "$(entries | jq -c '.[1:3]' | paste -sd' ')" \
	"[\"$year-07-01T10:00:00-06:00\",\"$year-07-01T10:30:00-06:00\"] [\"${sunday}T01:45:00-06:00\",\"${sunday}T01:15:00-07:00\"]"

# --- A dry run, a backfill, an audit

begin block
tell 1 booked "${day}10:00:00-07:00"
send -n
is '-n shows the request, and makes none' "$(jq -c 'select(.path | startswith("/calendars/")) | [.method, .path, .body.calendarId, .body.title]' "$DIR/result") $(entries)" \
	"[\"POST\",\"/calendars/events/block-slots\",\"{calendar:PatientNow}\",\"$botox\"] "

practice test '.workflows = {} | .move_opportunities = false'
come 1 booked "${day}10:00:00-07:00"
come 2 booked 2020-12-01T10:00:00-07:00
is 'without a calendar in the configuration nothing goes there' "$(outcome) $(changes)" 'done none '
practice test '.calendar = {name: "PatientNow"} | .workflows = {} | .move_opportunities = false'
{
	event appointment.booked b1 2026-10-31T09:00:00Z "{patient: \$ana} + visit(\"1\"; \"booked\") | .appointment.start = \"${day}10:00:00-07:00\""
	event appointment.booked b2 2026-10-31T09:00:00Z '{patient: $ana} + visit("2"; "booked") | .appointment.start = "2020-12-01T10:00:00-07:00"'
	event appointment.booked b3 2026-10-31T09:00:00Z "{patient: \$ben} + visit(\"3\"; \"booked\") | .appointment.start = \"${day}12:00:00-07:00\""
} | categorize | crm-map -b >"$DIR/backfill"
crm-push <"$DIR/backfill" >"$DIR/results"
is 'a backfill fills the future only, with what was booked before there was a calendar, too' "$(jq -rs 'sort_by(.id) | map(.status) | join(",")' "$DIR/results") $(entries | grep -o '"[^"]*T1.:00:00-07:00"' | sort | paste -sd,)" \
	"done,unchanged,done \"${day}10:00:00-07:00\",\"${day}12:00:00-07:00\""
crm-push <"$DIR/backfill" >"$DIR/results"
is 'and again it does nothing' "$(jq -r .status "$DIR/results" | sort -u) $(changes)" 'unchanged POST block-slots,POST block-slots'

# crm METHOD PATH BODY: staff do something to the calendar.
crm()
{
	curl -sS -X "$1" "$API/crm/calendars/events/$2" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-04-15' \
		-H 'Content-Type: application/json' -d "$3" -o "$DIR/answer"
}

for as in block appointment; do
	begin $as
	tell 1 booked "${day}10:00:00-07:00"
	categorize <"$DIR/event" | crm-map >"$DIR/mapped"
	crm-push <"$DIR/mapped" >"$DIR/result"
	held=$(entries)
	crm-push -C <"$DIR/mapped" >"$DIR/found"
	is "$as: an audit finds nothing where all is well" "$? $(<"$DIR/found")" '0 '
	[ $as = block ] && kind=block-slots || kind=appointments
	body="{\"calendarId\": \"$(at_sandbox state | jq -r '.calendar[0].calendarId')\"$([ $as = appointment ] || printf ', "locationId": "%s"' $MAIN),
		\"startTime\": \"${day}10:10:00-07:00\"}"
	id=$(at_sandbox state | jq -r '.calendar[0].id')
	crm PUT "$kind/$id" "$body"
	crm-push -C <"$DIR/mapped" >"$DIR/found"
	is "$as: -C finds what staff have moved" "$? $(jq -c '[.differences[].name]' "$DIR/found")" '1 ["calendar.start"]'
	crm-push -R <"$DIR/mapped" >"$DIR/found"
	is "$as: -R moves it back" "$? $(jq -r .status "$DIR/found") $(entries)" "0 mended $held"
	crm DELETE "$id" '{}'
	crm-push -R -k <"$DIR/mapped" >"$DIR/found"
	is "$as: -R -k leaves it deleted" "$? $(entries)" '0 '
	crm-push -R <"$DIR/mapped" >"$DIR/found"
	is "$as: -R makes what was deleted" "$? $(jq -c '[.status, .differences[].name]' "$DIR/found") $(entries)" "0 [\"mended\",\"calendar\"] $held"
done

# --- What is told

pnow-inbox add <"$DIR/event" >"$DIR/added" 2>>"$DIR/err"
like 'trace tells of the entry' "$(pnow-inbox trace 1 | jq -r 'select(.what == "effect" and (.detail | startswith("calendar"))) | "\(.status) \(.detail)"')" \
	"done calendar.set/appointment/${day}10:00:00-07:00"
setup
told 'crm-setup finds the calendar' 0 calendar PatientNow 'ok: there, for appointments*'
told 'and the scopes that it needs' 0 scope calendars/events.write 'ok: *'
practice test '.calendar = {name: "Botox"}'
setup
told 'and says which there are where it is not' 1 calendar Botox 'missing: not in the CRM, which has: "PatientNow" (*'

# --- A restore: what was made since the dump is there once

# restored ID [WHOSE]: what the calendar has when the appointment's booking is told before a restore and again after it, and
# then when it is cancelled; WHOSE is a patient without a contact.
restored()
{
	tell "$1" booked "${day}10:00:00-07:00" "${day}10:30:00-07:00"
	[ -z "${2:-}" ] || sed -i -E 's/"patient":\{[^}]*\}/"patient":{"id":"'"$2"'"}/' "$DIR/event"
	pnow-inbox dump -o "$DIR/dump" && cp "$DIR/event" "$DIR/booking" && send
	state_remove "$DIR/test.db" && pnow-inbox load "$DIR/dump" && cp "$DIR/booking" "$DIR/event"
	state_later "$DIR/test.db" moment 60000 # what another host may have begun has ended
	[ -n "${3:-}" ] || send
	outcome
	at_sandbox state | jq '.calendar | length'
	sed -E 's/"type":"appointment.booked"/"type":"appointment.status"/; s/"booked"/"cancelled"/; s/2026-11-01T/2026-11-02T/; s/"id":"e/"id":"z/' "$DIR/booking" >"$DIR/event"
	send
	at_sandbox state | jq -r '.calendar[] | .appointmentStatus // "block"'
}
begin block
is 'a booking told again after a restore, of a patient without a contact' "$(restored 31 777 2>>"$DIR/err" | xargs)" 'skipped done 1'
is 'of one with a contact' "$(restored 32 2>>"$DIR/err" | xargs)" 'done done 1'
is 'and one that comes back as cancelled only' "$(restored 33 '' only 2>>"$DIR/err" | xargs)" 'done done 1'
begin appointment
is 'an appointment, cancelled' "$(restored 34 '' only 2>>"$DIR/err" | xargs)" 'done done 1 cancelled'
finish
