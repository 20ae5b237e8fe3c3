#!/usr/bin/env bash
# The record loop that all filters share, tried with categorize, crm-map and pnow-enrich: what comes in goes out, whole, and
# what is no record is an error that says where.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

make_secrets .
cat >conf.json <<'T'
{ "practice": "glow-denver", "timezone": "America/Denver", "categories": "sheet.csv", "state": "state.db",
  "patientnow": { "base_url": "http://127.0.0.1:1", "practice_id": "4711", "token_file": "pnp.token" } }
T
printf 'Appointment Type,Appointment Category\nBotox,Non-Surgical Appointment\n' >sheet.csv
export PNOW_CONFIG=conf.json

# run COMMAND...: stdin through it into the files out and said; its status in $status.
run()
{
	"$@" >out 2>said
	status=$?
}

# A record that categorize leaves alone, padded to so many bytes.
padded()
{
	printf '{"pad":"'
	head -c $(($1 - 10)) /dev/zero | tr '\0' x
	printf '"}'
}

# What passes

line='{ "n":12.10,"big":12345678901234567890,"e":1E+2 , "s":"\u00e9\/é\ud83d\ude00",
 "o":{"a":1, "a":2},"type":"patient.updated" }'
line=${line//$'\n'/}
run categorize <<<"$line"
is "a record that nothing is done to passes byte for byte" "$(<out)" "$line"
is "with status 0" "$status" 0

visit='{ "x":12.10,"type":"appointment.booked","big":12345678901234567890, "appointment":{"status":"booked","type":"Botox","n":1.0} ,"y":"\u0041" }'
run categorize <<<"$visit"
is "keys are added behind, all others stay byte for byte" "$(<out)" \
	'{ "x":12.10,"type":"appointment.booked","big":12345678901234567890, "appointment":{"status":"booked","type":"Botox","n":1.0} ,"y":"\u0041","category":"Non-Surgical Appointment","pipeline":"non-surgical","stage":"Booked"}'

run categorize <<<'{"stage":"Patient","type":"appointment.booked","category":"Block","z":1,"appointment":{"status":"booked","type":"Botox"},"pipeline":"surgical"}'
is "a key that is there is replaced and not doubled" "$(<out)" \
	'{"type":"appointment.booked","z":1,"appointment":{"status":"booked","type":"Botox"},"category":"Non-Surgical Appointment","pipeline":"non-surgical","stage":"Booked"}'

run categorize <<<'{"st\u0061ge":"Patient","type":"appointment.booked","appointment":{"status":"cancelled","type":"Botox"}}'
is "however its name is written" "$(<out)" \
	'{"type":"appointment.booked","appointment":{"status":"cancelled","type":"Botox"},"stage":"Cancelled / No-Show","category":"Non-Surgical Appointment","pipeline":"non-surgical"}'

run categorize <<<'{"category":"Block","type":"appointment.booked","appointment":{"status":"booked","type":"Yoga"}}'
is "a key that does not hold any more goes" "$(<out)" '{"type":"appointment.booked","appointment":{"status":"booked","type":"Yoga"}}'

run crm-map <<<'{"id":"1","type":"appointment.booked","appointment":{"status":"odd"},"patient":{"id":"1"},"ignored_before":1,"actions":[{"op":"note.add","body":"old"}]}'
is "an event that is mapped again has its actions once" "$(jq -c .actions out)" '[]'

error='{"error":{"stage":"pnow-enrich","code":"not_found","message":"patient 1: 404","retry":false},"type":"appointment.booked", "appointment":7}'
run categorize <<<"$error"
is "an error record passes untouched" "$(<out)" "$error"
is "with status 1" "$status" 1
run crm-map <<<"$error"
is "by every filter" "$(<out)$status" "${error}1"
run pnow-enrich <<<"$error"
is "also by the one that works on several" "$(<out)$status" "${error}1"

run categorize <<<'{}'
is "an empty record passes" "$(<out)" '{}'
run categorize </dev/null
is "no input is no output" "$(<out)$status" 0
printf '\n  \n\r\n\t\n' | run categorize
printf '\n  \n\r\n\t\n{"a":1}\n\n' >blank
run categorize <blank
is "blank lines hold no record" "$(<out)$status" '{"a":1}0'
printf '{"a":1}' >half
run categorize <half
is "the last line needs no newline" "$(<out)" '{"a":1}'
is "and gets one" "$(wc -l <out)" 1
printf '{"type":"appointment.booked","appointment":{"type":"Botox","status":"booked"}}\r\n{"a":1}\r\n' >crlf
run categorize <crlf
is "lines may end in CR LF" "$(tr -d '\r' <out | jq -c '[.category,.a]' | tr -d '\n')" '["Non-Surgical Appointment",null][null,1]'

run crm-map <<<'{"type":"patient.created","patient":{"id":"1","first_name":"A\u0000B","last_name":"\ud83d"}}'
is "an escaped NUL and half a surrogate pair become U+FFFD where they are read" \
	"$(grep -o '"set":{[^}]*}' out)" '"set":{"firstName":"A�B","lastName":"�"}'
holds "and stay as they are where they stand" grep -F '"first_name":"A\u0000B","last_name":"\ud83d"' out

# What does not

printf '{"a":1}\n{"a":}\n[1]\nnot json \x01 "quoted"\n{"a":1}{"b":2}\n{"b":2}\n' >bad
run categorize <bad
is "a malformed line does not end the stream" "$(grep -c . out)" 6
is "and says where it stands and what is wrong" "$(jq -c '.error|select(.!=null)|[.line,.code,.stage,.retry]' out | sort | uniq -c | tr -s ' \n' ' ')" \
	' 1 [2,"malformed","categorize",false] 1 [3,"malformed","categorize",false] 1 [4,"malformed","categorize",false] 1 [5,"malformed","categorize",false] '
is "to the byte" "$(sed -n 2p out | jq -r .error.message)" 'line 2, byte 6: not a value'
is "with the line whole" "$(sed -n 2,5p out | jq -j '.raw+"\n"' | cmp - <(sed -n 2,5p bad) && echo same)" same
is "with status 1" "$status" 1
run categorize <<<'{"a":"'$'\x01''"}'
is "a control character in text is named" "$(jq -r .error.message out)" 'line 1, byte 7: a control character in a string'

printf '{"a":1}\n{"a":"\xff\xfe"}\n\xed\xa0\x80\n' >latin
run categorize <latin
is "invalid UTF-8 is an error" "$(jq -r '.error.message//empty' out | head -n 1)" 'line 2, byte 7: invalid UTF-8'
is "and goes on in base64, whole" "$(sed -n 2p out | jq -j .raw | base64 -d)" "$(sed -n 2p latin)"
is "that says so" "$(jq -r '.encoding//empty' out | tr '\n' ' ')" 'base64 base64 '
printf '{"a":\0 "\0"}\n' >nul
run categorize <nul
is "a NUL byte in a line is kept in its error" "$(jq -r .raw out | od -An -c | tr -d ' \n')" "$(od -An -c nul | tr -d ' \n')"

run categorize <<<'{"id":"1","type":"x","id":"2"}'
is "a key given twice is an error" "$(jq -r .error.message out)" 'line 1: the key "id" is given twice'
run categorize <<<'{"type":"appointment.booked","appointment":{"type":"Botox","status":"booked","status":"cancelled"}}'
is "also in an object that is read" "$(jq -r '.error|.code+": "+.message' out)" 'malformed: appointment: the key "status" is given twice'
run pnow-enrich <<<'{"event":"PatientUpdated","eventId":"e","data":{"patientId":"1","patientId":"2","firstName":"","lastName":"","email":"","phone":""}}'
is "also in a webhook's body" "$(jq -r '.error|.code+": "+.message' out)" 'malformed: payload: the key "patientId" is given twice'
run pnow-enrich <<<'{"event":"PatientUpdated","eventId":"e","data":{"firstName":"","lastName":"","email":"","phone":"","patient":{"id":"1","id":"2"}}}'
is "and in an object inside of it that is read" "$(jq -r '.error|.code+": "+.message' out)" 'malformed: payload: the key "id" is given twice'
run pnow-enrich <<<'{"event":"PatientUpdated","eventId":"e","data":{"patientId":"1","firstName":"","lastName":"","email":"","phone":"","extra":{"id":"1","id":"2"}}}'
is "but not in one that is not" "$(jq -r '.type' out)$status" patient.updated0
run crm-map <<<'{"type":"patient.updated","patient":"10234"}'
is "text where an object is read is an error" "$(jq -r '.error|.code+": "+.message' out)" 'malformed: patient: expected an object'
run crm-map <<<'{"type":"contact.exploded"}'
is "so is a type that does not exist" "$(jq -r '.error|.code+": "+.message' out)" 'bad_type: type: found another, expected a type of pnow-event(5)'
run pnow-enrich <<<'{"hello":"world"}'
is "and what is neither event nor webhook" "$(jq -r '.error|.code' out)" bad_type
run crm-map <<<'{"type":"patient.updated","patient":{}}'
is "a record without the id it needs is an error" "$(jq -r '.error|.code' out)" incomplete

brackets()
{
	printf '{"deep":'
	head -c "$1" /dev/zero | tr '\0' '['
	head -c "$1" /dev/zero | tr '\0' ']'
	printf '}\n'
}
brackets 127 >deep
run categorize <deep
holds "nesting of 128 passes" cmp deep out
brackets 128 >deep
run categorize <deep
is "deeper is an error" "$(jq -r '.error.message' out)" 'line 1, byte 136: nested too deeply'
brackets 500000 >deep
run categorize <deep
is "however deep" "$(jq -r '.error.message' out)" 'line 1, byte 136: nested too deeply'
printf '{"event":"PatientUpdated","eventId":"e","data":%s}\n' "$(brackets 126)" >deep
run pnow-enrich <deep
is "a body that would make too deep an event is an error here, not in the next filter" "$(jq -r '.error|.stage+" "+.code' out)" \
	'pnow-enrich malformed'

# Long lines

padded 1048576 >long
echo >>long
run categorize <long
holds "a line of 1 MiB passes" cmp long out
{ padded 1048577 && printf '\n{"a":1}\n'; } >long
run categorize <long
is "one byte more is an error" "$(head -n 1 out | jq -r '.error|.code+": "+.message')" 'too_long: line 1 is over 1 MiB'
is "with the line whole, in parts" "$(jq -j '.raw//empty' out | base64 -di | cmp - <(head -n 1 long | tr -d '\n') && echo same)" same
is "and the next line is the second" "$(tail -n 1 out)" '{"a":1}'
is "with status 1" "$status" 1
visit_of()
{
	printf '{"type":"appointment.booked","appointment":{"type":"Botox","status":"booked"},"pad":"%s"}\n' \
		"$(head -c "$1" /dev/zero | tr '\0' x)"
}
visit_of 1048480 >long
run categorize <long
is "a record that gets too long by what is added is an error, and whole" \
	"$(jq -r .error.code out | sort -u) $(jq -j .raw out | base64 -di | cmp - <(tr -d '\n' <long) && echo same)" 'too_long same'
printf '\x01\x02\x03%.0s' $(seq 200000) >long
echo >>long
run categorize <long
is "no error is longer than a record" "$(($(wc -L <out) <= 1048576))" 1
is "nor loses a byte" "$({ jq -j 'if .encoding then .raw|@base64d else .raw end' out && echo; } | cmp - long && echo same)" same
{ padded 5242880 && printf '\n{"b":2}\n'; } >long
run categorize <long
is "5 MiB come in parts that are numbered" "$(jq -c 'select(.error)|[.error.line,.error.part]' out | sed -n '1p;$p' | tr -d '\n' | sed 's/,[0-9]*\]$/,N]/')" '[1,1][1,N]'
is "and are whole" "$(jq -j '.raw//empty' out | base64 -di | cmp - <(head -n 1 long | tr -d '\n') && echo same)" same
is "for the pool of pnow-enrich too" "$(pnow-enrich <long | jq -j '.raw//empty' | base64 -di | cmp - <(head -n 1 long | tr -d '\n') && echo same)" same

# peak PROCESS: its highest memory so far, in KiB.
peak()
{
	awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null
}

# Whether a process has read 100 MB.
has_read_much()
{
	awk '/^rchar/ { exit !($2 > 100000000) }' "/proc/$1/io"
}

if sanitized || [ ! -r /proc/self/status ] || [ ! -r /proc/self/io ]; then
	skip "an endless line takes constant memory" "needs /proc, and a build without sanitizers"
else
	categorize </dev/zero >/dev/null 2>&1 &
	started=($!)
	until_true has_read_much "${started[0]}"
	memory=$(peak "${started[0]}")
	if [ "${memory:-99999}" -lt 12288 ]; then
		pass "an endless line takes constant memory"
	else
		fail "an endless line takes constant memory" "$memory KiB"
	fi
	kill -KILL "${started[0]}"
	wait "${started[0]}" 2>/dev/null
	started=()
fi

# When and how

two_came()
{
	[ "$(wc -l <out)" -eq 2 ]
}
for filter in categorize crm-map pnow-enrich; do
	mkfifo in
	: >out
	"$filter" <in >out 2>said &
	started=($!)
	exec 3>in
	printf '%s\n' "$error" >&3
	if await out; then pass "$filter: a single event passes at once, while stdin stays open"; else fail "$filter: a single event passes at once"; fi
	printf '%s\n{"half":' "$error" >&3
	until_true two_came
	kill -TERM "${started[0]}"
	wait "${started[0]}"
	status=$?
	is "$filter: SIGTERM ends it cleanly while it waits" "$status $(wc -l <out)" "1 2"
	exec 3>&-
	rm in
	started=()
done

rm out
categorize </dev/zero >out 2>/dev/null &
started=($!)
await out # a line that is too long comes out in parts
kill -TERM "${started[0]}"
holds "SIGTERM ends it while there is always more to read" until_true gone "${started[0]}"

yes '{"a":1}' | head -n 200000 >many
(
	trap - PIPE
	categorize <many 2>said | head -n 1 >first
	printf '%s' "${PIPESTATUS[0]}" >ended
)
is "a reader that goes away ends it by SIGPIPE" "$(<ended)$(<first)" '141{"a":1}'
is "quietly" "$(<said)" ''
for filter in categorize crm-map pnow-enrich; do
	"$filter" <half >/dev/full 2>said
	status=$?
	is "$filter: a full disk is status 73" "$status" 73
	is "$filter: with a word" "$(<said)" "$filter: cannot write standard output: No space left on device"
done
for filter in categorize crm-map pnow-enrich; do
	"$filter" </ >out 2>said
	is "$filter: an input that cannot be read is status 74, with a word" "$?$(<said)" "74$filter: cannot read the input: Is a directory"
	"$filter" <&- >out 2>said
	is "$filter: one that is closed, too" "$?$(<said)" "74$filter: cannot read the input: Bad file descriptor"
	"$filter" <half >&- 2>said
	is "$filter: an output that is closed is status 73, with a word" "$?$(<said)" "73$filter: cannot write standard output: Bad file descriptor"
done
for filter in categorize crm-map; do
	(ulimit -f 8; exec "$filter" <many >limited 2>said)
	is "$filter: a limit of the file's size is status 73, with a word" "$?$(<said)" "73$filter: cannot write standard output: File too large"
done
(ulimit -f 8; exec pnow-enrich <many >limited 2>said)
like "pnow-enrich: a state file that may not grow is status 73, with a word" "$?$(<said)" "73pnow-enrich: cannot use the state file *"
echo '{"type":"appointment.booked","appointment":{"type":"Yoga","status":"booked"}}' >yoga
categorize -u <yoga >/dev/full 2>said
is "categorize -u: also for a list" "$?$(<said)" '73categorize: cannot write standard output: No space left on device'

for filter in categorize crm-map pnow-enrich; do
	"$filter" -h >out 2>said
	is "$filter -h: status 0, on standard output" "$?$(head -c 10 out)$(<said)" "0usage: ${filter:0:3}"
	"$filter" -V >out 2>said
	like "$filter -V: name and version" "$?$(<out)$(<said)" "0$filter [0-9]*.[0-9]*"
	"$filter" -X </dev/null >out 2>said
	is "$filter: an unknown option is status 64" "$?$(<out)" 64
	like "$filter: with the usage on stderr" "$(<said)" "*usage: $filter *"
	"$filter" extra </dev/null >out 2>said
	is "$filter: so is an argument" $? 64
done

categorize -v <bad >/dev/null 2>said
is "-v counts the records" "$(grep -v '^categorize: confined: ' said)" 'categorize: 6 records, 4 with an error'
finish
