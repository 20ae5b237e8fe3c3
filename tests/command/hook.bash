# shellcheck shell=bash disable=SC2034,SC2154 # tap.sh sets work and started; the tests use the rest
# What the tests of pnow-hook share: a secret, two practices, a command that does what an event asks for, a hook, and webhooks sent
# to it. Sourced, never run.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

# practice NAME ZONE HOOKS: writes NAME.json.
practice()
{
	printf '{"practice": "%s", "timezone": "%s", "pipelines": "non-surgical", "hooks": {%s}}\n' "$1" "$2" "$3" >"$1.json"
}

printf 'correct-horse-battery' >secret
chmod 600 secret
practice token America/Denver '"patientnow": {"verify": "token", "header": "X-Token", "query": "key", "secret_file": "secret"},
	"crm": {"verify": "token", "header": "Authorization", "prefix": "Bearer ", "secret_file": "secret"}'
practice basic America/New_York '"patientnow": {"verify": "basic", "user": "pnow", "secret_file": "secret"},
	"crm": {"verify": "none"}'
token='X-Token: correct-horse-battery' # a header that the practice "token" takes

cat >command.sh <<'END'
#!/bin/sh
# Stands for a pipeline: stores the event, and does what the event asks for.
event=$(cat)
printf '%s\n' "$event" >>"$EVENTS"
case $event in
*'"do":"again"'*) exit 75 ;;
*'"do":"fail"'*) exit 3 ;;
*'"do":"die"'*) kill -KILL $$ ;;
*'"do":"wait"'*) until [ -e "$EVENTS.go" ]; do sleep 0.02; done ;;
*'"do":"hang"'*) sleep 1000 & echo $! >"$EVENTS.hung"; wait ;;
*'"do":"say"'*) echo said on stdout; echo said on stderr >&2 ;;
esac
printf '%s\n' "$event" >>"$EVENTS.done"
END
chmod +x command.sh
export EVENTS=$work/events
: >events

# listen NAME ARGUMENT…: starts a hook ($hook) of its own on $port; its words are in NAME.err. With $under, under that.
under=()
listen()
{
	local name=$1
	shift
	rm -f "$name.port" "$name.out"
	"${under[@]}" pnow-hook -l 127.0.0.1:0 -p "$name.port" "$@" >"$name.out" 2>"$name.err" &
	hook=$!
	started+=("$hook")
	await "$name.out" # comes after the port
	port=$(<"$name.port")
}

# stop: the hook ends as it should; its status.
stop()
{
	kill "$hook" 2>/dev/null
	wait "$hook"
}

# post PATH CURL-ARGUMENT…: sends $body to $port, or to $base, as $content_type; the answer is in $status, $answer and the file
# headers.
post()
{
	local path=$1
	shift
	printf '%s' "$body" >body
	answer=$(curl -sk -m 60 -D headers -w '\n%{http_code}' -H "Content-Type:${content_type- application/json}" \
		--data-binary @body "$@" "${base:-http://127.0.0.1:$port}$path")
	status=${answer##*$'\n'}
	answer=${answer%$'\n'*}
	answer=${answer%$'\n'}
}

# The line of the answer that says when to come again.
retry_after()
{
	tr -d '\r' <headers | grep -i '^retry-after'
}

# Notes in $handled how many events the command has got.
events_now()
{
	handled=$(wc -l <events)
}

# refuses PROMISE STATUS WORDS ARGUMENT…: what a hook says that does not start, and its exit status.
refuses()
{
	local promise=$1 status=$2 words=$3 said
	shift 3
	said=$(timeout 60 pnow-hook "$@" 2>&1 </dev/null)
	like "$promise" "$? $said" "$status $words"
}

# big N: a body of exactly N bytes.
big()
{
	local start='{"event":"PatientCreated","eventId":"big","pad":"' end='"}'
	printf '%s' "$start"
	head -c $(($1 - ${#start} - ${#end})) /dev/zero | tr '\0' x
	printf '%s' "$end"
}
