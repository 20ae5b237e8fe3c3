#!/usr/bin/env bash
# A person with an unknown body reaches the first correct event with three commands, those of pnow.conf(5), A PROFILE FROM NOTHING: a
# hook that records, a profile that is learnt, the event. So for each body of tests/samples/emr, as it may be sent.
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

samples=$root/tests/samples/emr
mkdir requests
export PNOW_CONFIG=token.json
sed -i 's/"pipelines"/"state": "events.db", &/' token.json

listen first -r requests # the first command

# first_event NAME CURL-ARGUMENT…: what comes of the file "sent" as a webhook of an EMR that nobody knows, in all three commands.
first_event()
{
	local name=$1
	shift
	curl -s -o answer -m 60 "$@" --data-binary @sent "http://127.0.0.1:$port/hook/token/patientnow"
	pnow-profile learn requests/*.json >emr.json
	is "$name: the third command shows the event" "$(env -u PNOW_CONFIG pnow-profile -p ./emr.json event requests/*.json | jq -S .)" \
		"$(jq -S . "$samples/${name%%,*}.event.json")"
	rm requests/*
}

for body in "$samples"/*.event.json; do
	name=$(basename "$body" .event.json)
	headers=()
	while IFS= read -r header; do headers+=(-H "$header"); done < <(jq -r 'select(.method).headers // {} | to_entries[] | "\(.key): \(.value)"' "$samples/$name.json")
	jq 'if .method then .body else . end' "$samples/$name.json" >sent
	first_event "$name" -H 'Content-Type: application/json' "${headers[@]}"
done
jq . "$samples/nested-object.json" | gzip -c >sent
first_event 'nested-object, compressed' -H 'Content-Type: application/json' -H 'Content-Encoding: gzip'
printf 'token=1&payload=%s' "$(jq -r '@json | @uri' "$samples/nested-object.json")" >sent
first_event 'nested-object, in a form' -H 'Content-Type: application/x-www-form-urlencoded'
jq '[.]' "$samples/mindbody.json" >sent
first_event 'mindbody, in a list' -H 'Content-Type: application/json'

# Where the EMR asks first whether the hook is there, and sends nothing before that is answered.
for question in hub.mode=x\&hub.challenge=abc x=y; do
	rm -f requests/*
	curl -s -o answer -m 60 "http://127.0.0.1:$port/hook/token/patientnow?$question"
	pnow-profile learn requests/*.json >emr.json
	like "a question alone makes a profile that says what is next: $question" "$? $(pnow-profile check ./emr.json | tail -n 1) $(sed -n 3p emr.json)" \
		'0 ./emr.json: sound // 1. the EMR has only asked whether the hook is there: *'
	jq '.patientnow.profile = "./emr.json"' token.json >answers.json
	first=$hook first_port=$port
	listen answers -c answers.json -r requests
	curl -s -w ' %{http_code}' -m 60 "http://127.0.0.1:$port/hook/token/patientnow?$question" >>answered
	echo >>answered
	stop
	hook=$first port=$first_port
done
is 'with that it is answered' "$(grep -v '^$' answered | xargs)" 'abc 200 {ok:true} 200'
is 'and the commands are in the page' "$(mandoc -T ascii -O width=160 "$root/man/pnow.conf.5" | sed $'s/.\b//g' | grep -cE '^ +(pnow-hook -l 127.0.0.1:8080 -r requests|pnow-profile learn requests/\*.json >emr.json|pnow-profile -p ./emr.json event requests/\*.json)$')" 3
finish
