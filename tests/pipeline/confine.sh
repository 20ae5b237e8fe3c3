#!/usr/bin/env bash
# pnow(7), SECURITY: somebody who has got hold of a program tries from inside what it should not do (tests/confine/tries.c). That is
# refused, and the program goes on with what it is there for.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
library=$bin/../tests/tries.so
export PNOW_CONFIG=$DIR/test.json

if [ "$(uname -s)" != Linux ]; then
	echo '1..0 # SKIP programs are confined with Linux only'
	exit 0
fi

mkdir "$DIR/state" "$DIR/outside"
seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com"}]'
sandbox
practice test '.state = "state/test.db" | .hooks.patientnow = {verify: "none"}'
event patient.updated e1 2026-12-01T10:00:00Z '{patient: $ana}' >"$DIR/event"
crm-map <"$DIR/event" >"$DIR/mapped"
printf 'Patient ID,First Name,Last Name,Email\n10234,Ana,Lopez,ana@example.com\n' >"$DIR/patients.csv"

# listen [ARGUMENT…]: a hook ($process) at $URL; its words are in $DIR/err.
under=()
listen()
{
	rm -f "$DIR/port" "$DIR/err"
	"${under[@]}" pnow-hook -v -l 127.0.0.1:0 -p "$DIR/port" "$@" >"$DIR/out" 2>"$DIR/err" &
	process=$!
	started+=("$process")
	URL=http://127.0.0.1:$(port_in "$DIR/port")/hook
}

end_hook()
{
	kill "$process"
	wait "$process"
}

# hook_takes ID: what a webhook with that id is answered.
hook_takes()
{
	curl -sS -o "$DIR/answer" -w '%{http_code}' -H 'Content-Type: application/json' \
		-d "{\"event\":\"PatientUpdated\",\"eventId\":\"$1\",\"data\":{\"patientId\":\"10234\"}}" "$URL/test/patientnow"
}

# --- The kernel knows

# holds_in PROGRAM: of every thread of the process.
holds_in()
{
	until_true grep -q 'confined: ' "$DIR/err"
	is "$1: no new privileges, and a filter of system calls" \
		"$(awk '/^(NoNewPrivs|Seccomp):/ { print $2 }' "/proc/$process/task/"*/status | xargs -n 2 | sort -u)" '1 2'
}

# A filter that waits for its first line is confined already.
while read -ra command; do
	rm -f "$DIR/pipe" "$DIR/err"
	mkfifo "$DIR/pipe"
	"${command[@]}" -v <"$DIR/pipe" >/dev/null 2>"$DIR/err" &
	process=$!
	exec 7>"$DIR/pipe"
	holds_in "${command[*]}"
	exec 7>&-
	wait "$process"
done <<-'END'
	categorize
	crm-map
	pnow-csv -e patient
	pnow-enrich
	pnow-push
	crm-push
	crm-push -n
	pnow-fetch patient
END

rm -f "$DIR/pipe" "$DIR/err"
mkfifo "$DIR/pipe"
pnow-sync -v <"$DIR/pipe" >/dev/null 2>"$DIR/err" &
sync=$!
exec 7>"$DIR/pipe"
for name in pnow-sync crm-push; do
	until_true grep -q "^$name: confined: " "$DIR/err"
	point "pnow-sync: the process that speaks as $name says that it is confined"
	process=$sync
	[ "$name" = pnow-sync ] || process=$(pgrep -P "$sync")
	holds_in "pnow-sync's process that speaks as $name"
done
exec 7>&-
wait "$sync"

listen
holds_in 'pnow-hook -l'
is 'pnow-hook -l: an event is stored' "$(hook_takes w1)$(pnow-inbox list | jq -r .id)" 200w1
end_hook
listen -- sh -c 'cat >/dev/null; awk "/^(NoNewPrivs|Seccomp):/ { print \$2 }" /proc/self/status'
hook_takes w2 >"$DIR/status"
end_hook
is 'a command of pnow-hook may do whatever it may do elsewhere' "$(sed 1d "$DIR/out" | xargs)" '0 0'

is 'the units of the examples let programs confine themselves' "$(grep -lE '^SystemCallFilter=' "$root"/examples/systemd/*.service | wc -l)" \
	"$(grep -lE '^SystemCallFilter=.* seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self$' \
		"$root"/examples/systemd/*.service | wc -l)"

# --- From inside

if sanitized || [ ! -e "$library" ]; then
	skip 'what is forbidden is refused' "make check builds $library, for programs without sanitizers"
	finish
	exit
fi

# try [NAME=VALUE…] COMMAND…: runs it; what it tried is in $DIR/err, what is tried is there as new.
try()
{
	rm -rf "$DIR/outside" "$DIR"/state/{try,doomed,moved,linked}
	mkdir "$DIR/outside"
	touch "$DIR/outside"/{file,doomed} "$DIR/state/doomed"
	env "LD_PRELOAD=$library" "TRIES_OUTSIDE=$DIR/outside" "TRIES_STATE=$DIR/state" "$@" 2>"$DIR/err"
}

# done_with LANDLOCK KIND: what may be done; filter, client and server are the words of lib/conf/confine.h, dry is a client without a
# state. What only a newer Landlock refuses than there is, is done, too.
done_with()
{
	local may='read-file start-thread'
	case $2 in
	client | server) may+=' make-state-file remove-state-file' ;;
	esac
	case $2 in
	client | dry)
		may+=' make-socket make-unix-socket make-socket-pair connect'
		[ "$1" -ge 4 ] || may+=' bind'
		;;
	esac
	[ "$2" = filter ] || [ "$1" -ge 3 ] || may+=' empty-file truncate-file'
	[ "$1" -ge 6 ] || may+=' signal-parent'
	xargs -n 1 <<<"$may" | sort | xargs
}

# refused PROMISE KIND [LANDLOCK]: all but that was refused.
refused()
{
	local landlock
	landlock=$(awk '$1 == "landlock" { print $2 }' "$DIR/err")
	if [ "${landlock:--1}" -lt "${3:-1}" ]; then
		skip "$1: what is forbidden is refused" "the kernel has no Landlock, or an older one: $landlock"
		return
	fi
	is "$1: what is forbidden is refused" "$(awk '$1 == "try" && $3 == "done" { print $2 }' "$DIR/err" | sort | xargs)" \
		"$(done_with "${3:-$landlock}" "$2")"
	is "$1: with EPERM or EACCES" "$(awk '$1 == "try" && !/ (done|refused)$/ { print $2, $3 }' "$DIR/err" | xargs)" \
		"$([ "$2" != filter ] || echo write-file-openat2 ENOSYS)"
}

# Each kind of program, and what it is there for.
try categorize <"$DIR/event" >"$DIR/out"
refused categorize filter
is 'categorize: passes the event' "$(jq -r .id "$DIR/out")" e1
try crm-map <"$DIR/event" >"$DIR/out"
refused crm-map filter
is 'crm-map: maps the event' "$(jq -r '.actions[].op' "$DIR/out")" contact.upsert
try pnow-csv -e patient <"$DIR/patients.csv" >"$DIR/out"
refused pnow-csv filter
is 'pnow-csv: makes an event' "$(jq -r .patient.id "$DIR/out")" 10234
is 'pnow-csv: reads files that are named' "$(pnow-csv -e patient "$DIR"/patients.csv "$DIR"/patients.csv | jq -r .patient.id | xargs)" '10234 10234'
jq -c '{id, type, practice, payload: {data: {patientId: .patient.id}}}' "$DIR/event" | try pnow-enrich >"$DIR/out"
refused pnow-enrich client
is 'pnow-enrich: asks PatientNow' "$(jq -r .patient.last_name "$DIR/out")" Lopez
try pnow-push <"$DIR/mapped" >"$DIR/out"
refused pnow-push client
is 'pnow-push: passes the event' "$(jq -r .id "$DIR/out")" e1
try crm-push <"$DIR/mapped" >"$DIR/out"
refused crm-push client
is 'crm-push: carries it out' "$(jq -r .status "$DIR/out") $(contact_id ana@example.com | wc -l)" 'done 1'
mkdir "$DIR/linked"
ln -s ../state/test.db "$DIR/linked/test.db"
jq '.state = "linked/test.db"' "$DIR/test.json" >"$DIR/linked.json"
try crm-push -c "$DIR/linked.json" <"$DIR/mapped" >"$DIR/out"
refused 'crm-push, the state file is a link' client
is 'crm-push, the state file is a link: it works, and what lies beside the file lies beside it alone' "$(jq -r .status "$DIR/out") $(cd "$DIR/linked" && echo *)" \
	'unchanged test.db'
jq -c '.patient.id = "10235"' "$DIR/mapped" | try crm-push -n >"$DIR/out"
refused 'crm-push -n' dry
is 'crm-push -n: shows it' "$(jq -r .method "$DIR/out" | head -n 1)" POST
try pnow-fetch patient 10234 >"$DIR/out"
refused 'pnow-fetch' client
is 'pnow-fetch: asks PatientNow' "$(jq -r .lastName "$DIR/out")" Lopez
try pnow-fetch -l patient -s 2020-01-01 >"$DIR/out"
refused 'pnow-fetch -l, from the thread of the connection' client
is 'pnow-fetch -l: asks PatientNow' "$(jq -r .lastName "$DIR/out")" Lopez
try crm-setup -w >"$DIR/out"
refused 'crm-setup, from the thread of the connection' client
is 'crm-setup: asks both' "$(jq -r 'select(.check == "CRM" or .check == "PatientNow") | .state' "$DIR/out" | xargs)" 'ok ok'
under=(try)
listen
is 'pnow-hook -l: stores an event' "$(hook_takes w3)" 200
end_hook
refused 'pnow-hook -l, from the thread of the connection' server
listen -n
is 'pnow-hook -n: shows an event' "$(hook_takes w4)$(sed 1d "$DIR/out" | jq -r .id)" 200w4
end_hook
is 'pnow-hook -n: does not even write the state' "$(grep -c 'state-file refused' "$DIR/err")" 2
try GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST PATH_INFO=/test/patientnow CONTENT_TYPE=application/json CONTENT_LENGTH=2 \
	pnow-hook <<<'{}' >"$DIR/out"
refused 'pnow-hook as CGI' server
like 'pnow-hook as CGI: stores an event' "$(<"$DIR/out")" '*200 *'

# --- A kernel that has less

for version in 5 3 1; do
	try TRIES_LANDLOCK=$version crm-map <"$DIR/event" >"$DIR/out"
	refused "a filter with Landlock $version" filter $version
	try TRIES_LANDLOCK=$version crm-push <"$DIR/mapped" >"$DIR/out"
	refused "a client with Landlock $version" client $version
	is "and it works with Landlock $version" "$(jq -r .status "$DIR/out")" unchanged
done
try TRIES_LANDLOCK=0 crm-map -v <"$DIR/event" >"$DIR/out"
refused 'a filter without Landlock' filter 0
like 'a filter without Landlock: -v says so' "$(grep confined: "$DIR/err")" \
	'crm-map: confined: starts no program, makes no socket (seccomp, no Landlock here)'
try TRIES_LANDLOCK=0 crm-push -v <"$DIR/mapped" >"$DIR/out"
like 'a client without Landlock: -v says what holds' "$(jq -r .status "$DIR/out") $(grep confined: "$DIR/err")" \
	'unchanged crm-push: confined: starts no program, takes no connection (seccomp, no Landlock here)'
is 'a client without Landlock: that holds' "$(grep -cE 'try (start-program|start-open-program|listen) refused' "$DIR/err")" 3
try TRIES_SECCOMP=0 crm-push -v <"$DIR/mapped" >"$DIR/out"
like 'a client without seccomp: -v says what holds' "$(jq -r .status "$DIR/out") $(grep confined: "$DIR/err")" \
	"unchanged crm-push: confined: writes no file but beside $DIR/state/test.db (no seccomp here, Landlock *)"
is 'a client without seccomp: that holds' \
	"$(grep -cE 'try (write-file|append-file|make-file|remove-file|rename-file|make-folder) refused' "$DIR/err")" 6
try TRIES_SECCOMP=0 TRIES_LANDLOCK=0 crm-push -v <"$DIR/mapped" >"$DIR/out"
like 'with neither: -v says so, and it works' "$(jq -r .status "$DIR/out") $(grep confined: "$DIR/err")" \
	'unchanged crm-push: not confined: no seccomp here, no Landlock here'
is 'what is tried here, works where nothing holds' \
	"$(grep -cE 'try (write-file|append-file|make-file|truncate-file|rename-file|make-folder|start-program|listen) done' "$DIR/err")" 8
finish
