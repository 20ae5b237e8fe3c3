#!/usr/bin/env bash
# Every request that the whole-pipeline tests make to the CRM, judged by Prism against the CRM's published API description
# ($PNOW_HIGHLEVEL, else ../shared/highlevel beside the repository). The tests run here, with their requests kept; requests
# that are the same but for ids are sent once. Needs "make deps-contract".
# shellcheck source=tests/tap.sh disable=SC2154 # tap.sh sets work and root
. "$(dirname "$0")/../tap.sh"
description=${PNOW_HIGHLEVEL:-$root/../shared/highlevel}
prism=$root/.build/contract/node_modules/.bin/prism
tests='workflows tables push crm-setup crm-setup-fields contact-tagged fetch-tagged consent corrections audit calendar'
apps='contacts locations opportunities workflows calendars'
servers=()

skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}
[ -d "$description/apps" ] || skip_all 'the API description is not there: set PNOW_HIGHLEVEL'
command -v node >/dev/null || skip_all 'node is missing: make deps-contract'
[ -x "$prism" ] || skip_all 'Prism is missing: make deps-contract'

# --- The requests

mkdir requests
for test in $tests; do
	PNOW_REQUESTS=$work/requests bash "$root/tests/pipeline/$test.sh" >"$test.out" 2>"$test.err"
	is "the requests of tests/pipeline/$test.sh: it passes" "$? $(grep '^not ok' "$test.out")" '0 '
done
# The path's shape: ids replaced, of the query the names only.
jq -c '.path as $path | ($path | split("?")) as [$where, $query]
	| .shape = ($where | gsub("/(?<of>contacts|opportunities|workflow|locations|appointments|block-slots|events)/(?!upsert|search|pipelines|appointments|block-slots)[^/]+"; "/\(.of)/{id}"))
		+ "?" + ($query // "" | split("&") | map(split("=")[0]) | join("&"))
	| {method, path, shape, body, version}' requests/*.ndjson |
	jq -sc 'unique_by([.method, .shape, .version, (.body | walk(if type == "object" then del(.id, .contactId, .pipelineId,
		.pipelineStageId) else . end))])[]' >distinct
printf '# %d requests, %d of them distinct, of %d kinds\n' "$(cat requests/*.ndjson | wc -l)" "$(wc -l <distinct)" \
	"$(jq -r '.method + .shape' distinct | sort -u | wc -l)"
jq -r '"#   \(.method) \(.shape)"' distinct | sort | uniq -c | sed -E 's/^ *([0-9]+) # */#   \1 /'

# --- The judge

# The published description calls the contact's dateOfBirth in requests an object, while its own example and its text say that
# it is text: "1990-09-25". Corrected in our copy, exactly there and nowhere else: an object whose example is a text.
cp -R "$description/." description
chmod -R u+w description
for app in $apps; do
	jq -r 'paths(type == "object" and .type == "object" and (.example | type) == "string") as $p
		| "# corrected: \($p | join(".")) is a text, as its example says: \(getpath($p).example)"' "description/apps/$app.json"
	jq 'walk(if type == "object" and .type == "object" and (.example | type) == "string" then .type = "string" else . end)' \
		"description/apps/$app.json" >corrected && mv corrected "description/apps/$app.json"
	port=$(free_port)
	"$prism" mock --errors -p "$port" "description/apps/$app.json" >"prism.$app" 2>&1 &
	started+=($!)
	servers+=("$app=$port")
done
for app in $apps; do
	until_true grep 'Prism is listening' "prism.$app"
done

# Whether all that an answer complains of is the answer: Prism makes it of the description's examples, some of which break the
# description. It looks at the request first.
only_example()
{
	jq -e '.validation and all(.validation[]; .location[0] == "response")' "$1" >"/dev/null"
}

# judge FILE: the requests of a file, one JSON object a line; writes "NUMBER STATUS METHOD SHAPE ANSWER" for each that the
# description does not allow.
judge()
{
	local ports
	ports=$(printf '%s\n' "${servers[@]}" | jq -R 'split("=") | {(.[0]): .[1]}' | jq -sc add)
	rm -rf answers
	mkdir answers
	jq -r --argjson ports "$ports" '"next", "url = \("http://127.0.0.1:\($ports[.path | split("/")[1] | split("?")[0]])\(.path)" | tojson)",
		"request = \(.method)", "header = \"Authorization: Bearer token\"", "header = \"Version: \(.version)\"",
		(if .body == null then empty else "header = \"Content-Type: application/json\"", "data-raw = \(.body | tojson | tojson)" end),
		"output = \"answers/\(input_line_number)\"", "write-out = \"\(input_line_number) %{http_code}\\n\"", "silent", "globoff"' "$1" |
		sed 1d | curl -K - >statuses
	[ "$(wc -l <statuses)" = "$(wc -l <"$1")" ] || echo "0 0 not every request was answered"
	while read -r n status; do
		[[ $status == 2?? ]] || only_example "answers/$n" || echo "$n $status $(sed -n "${n}p" "$1" | jq -r '"\(.method) \(.shape)"') $(head -c 700 "answers/$n")"
	done <statuses
}

judge distinct >violations
[ ! -s violations ] || cut -d' ' -f2- violations | sort | uniq -c | sort -rn | head -n 20 | sed 's/^/# /'
is 'each request is what the published description allows' "$(wc -l <violations)" 0
[ "$(wc -l <distinct)" -gt 500 ]
is 'and they are many' $? 0

# --- The judge itself: wrong requests are found

# wrong PROMISE REQUEST [CHANGE]: a request that breaks the description is found out; REQUEST is a jq filter that picks a
# request of ours, CHANGE one that spoils it. Unspoiled it passes. (What the description does not close, such as gender in an
# update, Prism lets pass; pnow-sandbox does not.)
wrong()
{
	jq -sc "first(.[] | select($2))" distinct >good
	jq -c "$3" good >bad
	like "found out: $1" "$(judge good | wc -l) $(judge bad | cut -d' ' -f2)" '0 4[02][02]'
}
put='.method == "PUT" and (.shape | startswith("/contacts/")) and .body.lastName'
upsert='.shape == "/contacts/upsert?"'
wrong 'a name that is a number' "$upsert and .body.lastName" '.body.lastName = 7'
wrong 'an upsert without locationId' "$upsert" 'del(.body.locationId)'
wrong 'custom fields that are no list' "$put and .body.customFields" '.body.customFields = "x"'
wrong 'a note without a body' '.shape == "/contacts/{id}/notes?" and .method == "POST"' 'del(.body.body)'
wrong 'an opportunity without a contact' '.shape == "/opportunities/?"' 'del(.body.contactId)'
wrong 'an opportunity whose status is a word that there is not' '.shape == "/opportunities/?"' '.body.status = "winning"'
wrong 'a value that is a text' '.method == "PUT" and .body.monetaryValue' '.body.monetaryValue |= tostring'
wrong 'a block slot without a calendar' '.shape == "/calendars/events/block-slots?"' 'del(.body.calendarId)'
wrong 'an appointment with a status that there is not' '.shape == "/calendars/events/appointments?"' '.body.appointmentStatus = "booked"'
wrong 'a custom field without a kind' '.shape == "/locations/{id}/customFields?" and .method == "POST"' 'del(.body.dataType)'
wrong 'pipelines without a location' '.shape == "/opportunities/pipelines?locationId"' '.path |= split("?")[0]'
wrong 'a Version that there is not' "$upsert" '.version = "2020-01-01"'
jq -sc "first(.[] | select($put)) | .path = \"/contacts/x/nonsense\"" distinct >bad
is 'found out: a path that there is not' "$(judge bad | cut -d' ' -f2)" 404
kill "${started[@]}"
wait 2>"/dev/null"
finish
