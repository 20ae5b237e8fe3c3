#!/usr/bin/env bash
# A wrong configuration, sheet or secret ends a command before it reads anything: status 78, and one line that says file,
# place, what was found and what was expected. And what a command does not use it does not open.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

make_secrets .
printf 'Appointment Type,Appointment Category\nBotox,Non-Surgical Appointment\n' >sheet.csv
cat >good.json <<'T'
{ "practice": "glow-denver",
  "timezone": "America/Denver",
  "categories": "sheet.csv",
  "state": "state.db",
  "patientnow": { "base_url": "http://127.0.0.1:1", "practice_id": "4711", "token_file": "pnp.token" } }
T

# refuses PROMISE COMMAND SAYS: the command, with conf.json, ends with 78 and this line, which may be a pattern.
refuses()
{
	local said status lines
	said=$("$2" -c conf.json <"${input:-/dev/null}" 2>&1 >out)
	status=$?
	lines=$(printf '%s\n' "$said" | wc -l)
	# shellcheck disable=SC2053
	if [ "$status" -eq 78 ] && [ "$lines" -eq 1 ] && [ ! -s out ] && [[ $said == $3 ]]; then
		pass "$1"
	else
		fail "$1" "status $status" " got: $said" "want: $3"
	fi
}

# wrong PROMISE JQ SAYS: the good configuration changed by a jq filter, compact, is refused by crm-map.
wrong()
{
	jq -c "$2" good.json >conf.json
	refuses "$1" crm-map "crm-map: conf.json:1: $3"
}

# fine PROMISE JQ: so changed it is taken.
fine()
{
	jq "$2" good.json >conf.json
	holds "$1" crm-map -c conf.json </dev/null
}

cp good.json conf.json
holds "a right one says nothing" crm-map -c conf.json </dev/null
is "nor is a secret or the state touched by crm-map" "$(find . -name 'state.db*')" ''

printf '12\n\n' >conf.json
refuses "a file that holds a number" crm-map 'crm-map: conf.json:1: found the number 12, expected an object'

# Keys
wrong "an unknown key names the nearest" '.timezon="UTC"' 'unknown key timezon: the nearest known one is timezone'
wrong "also inside" '.crm.location="x"' 'unknown key crm.location: the nearest known one is crm.location_id'
wrong "also where the whole object is misspelt" '.patientnov={}' 'unknown key patientnov: the nearest known one is patientnow'
wrong "an unknown field name" '.names.fields["PNOW Number"]="x"' 'unknown key names.fields.PNOW Number: expected the name of a custom field*'
wrong "a line break in a key" '.crm["location\nid"]="x"' 'crm: found a key with a control character, expected one line of text'
wrong "a line break in a text" '.practice="glow\r\ndenver"' 'practice: found text with a control character, expected one line of text'
wrong "a line break in a name of the practice" '.facilities["Up\ntown"]={}' 'facilities: found a key with a control character, expected one line of text'
wrong "an unknown pipeline" '.names.pipelines.dental="x"' 'unknown key names.pipelines.dental: expected *surgical, non-surgical*'
wrong "an unknown stage" '.names.stages.Started="x"' 'unknown key names.stages.Started: expected the name of a stage*'
wrong "an unknown key of a facility" '.facilities.Main={"location":"x"}' 'unknown key facilities.Main.location: the nearest known one is facilities.Main.location_id'
jq -c '.facilities.Main={"location_id":"x"}' good.json >conf.json
refuses "a facility without its token" crm-map 'crm-map: conf.json: facilities.Main: token_file is missing'
oauth='{"client_id":"x","client_secret_file":"x","refresh_token_file":"x"}'
jq -c ".crm += {\"token_file\":\"x\",\"oauth\":$oauth}" good.json >conf.json
refuses "OAuth and a private token" crm-map 'crm-map: conf.json: crm: expected token_file or oauth, found both'
jq -c '.crm.oauth={"client_id":"x"}' good.json >conf.json
refuses "OAuth without its secret" crm-map 'crm-map: conf.json: crm.oauth.client_secret_file is missing'
jq -c '.crm.oauth={"company_id":"x"}' good.json >conf.json
refuses "an agency without its client" crm-map 'crm-map: conf.json: crm.oauth.client_id is missing'
jq -c ".crm = {\"oauth\":$oauth}|.facilities.Main={\"location_id\":\"x\"}" good.json >conf.json
refuses "a facility without its refresh token" crm-map 'crm-map: conf.json: facilities.Main: refresh_token_file is missing'
fine "which one of an agency need not have" ".crm = {\"oauth\":($oauth + {\"company_id\":\"x\"})}|.facilities.Main={\"location_id\":\"x\"}"
cat >conf.json <<'T'
{ "practice": "glow-denver",
  "timezone": "UTC",
  "pipelines": "non-surgical",
  "crm": { "location_id": "x", "location_id": "y" } }
T
refuses "a key given twice names its line" crm-map 'crm-map: conf.json:4: crm: location_id is given twice'
jq -c 'del(.practice)' good.json >conf.json
refuses "a missing practice" crm-map 'crm-map: conf.json: practice is missing'
jq -c 'del(.timezone)' good.json >conf.json
refuses "a missing time zone" crm-map 'crm-map: conf.json: timezone is missing'
jq -c 'del(.categories)' good.json >conf.json
refuses "a missing sheet" crm-map 'crm-map: conf.json: categories is missing: expected *'
fine "which a practice without surgery need not have" 'del(.categories)|.pipelines="non-surgical"'

# Types and values
wrong "a number for text" '.practice=7' 'practice: found the number 7, expected text'
wrong "empty text" '.practice=""' 'practice: found empty text, expected text'
wrong "null for text" '.country=null' 'country: found null, expected text'
wrong "a list for an object" '.crm=[]' 'crm: found a list, expected an object'
wrong "text for an object" '.workflows="x"' 'workflows: found text, expected an object'
wrong "text for true" '.address="yes"' 'address: found text, expected true or false'
wrong "0 for false" '.consult_stages=0' 'consult_stages: found the number 0, expected true or false'
wrong "text for a number" '.patientnow.daily_limit="1000"' 'patientnow.daily_limit: found text, expected a whole number from 0 to 1000000000'
wrong "a fraction" '.patientnow.daily_limit=1.5' 'patientnow.daily_limit: found the number 1.5, expected a whole number *'
wrong "a negative number" '.patientnow.cache_seconds=-1' 'patientnow.cache_seconds: found the number -1, expected a whole number *'
wrong "text for a list" '.retry_seconds="60"' 'retry_seconds: found text, expected a list of seconds'
wrong "text in a list of numbers" '.retry_seconds=[60,"x"]' 'retry_seconds: found text, expected a whole number *'
wrong "an unknown word" '.pipelines="surgical"' 'pipelines: found "surgical", expected "both" or "non-surgical"'
wrong "an unknown fact" '.create.required=["name"]' 'create.required: found "name", expected keys of a patient*'
wrong "an unknown time zone" '.timezone="Denver"' 'timezone: found "Denver", expected a time zone that this system knows, such as America/Denver'
wrong "a time zone that is a path" '.timezone="../../etc/passwd"' 'timezone: found *, expected a time zone *'
wrong "an unknown country" '.country="Atlantis"' 'country: found "Atlantis", expected two capital letters *'
fine "a country in small letters" '.country="us"'
wrong "a practice that is no part of a URL" '.practice="glow/denver"' 'practice: found "glow/denver", expected letters, *'
wrong "http:// to another host" '.crm.base_url="http://example.com"' 'crm.base_url: found "http://example.com", expected a URL that starts with https:// *'
wrong "http:// to a host that begins like this one" '.crm.base_url="http://127.0.0.1.example.com"' 'crm.base_url: found *, expected a URL *'
wrong "http:// to another host behind this one's name" '.crm.base_url="http://localhost:80@example.com/"' 'crm.base_url: found *, expected a URL *'
wrong "another scheme" '.patientnow.base_url="ftp://example.com"' 'patientnow.base_url: found *, expected a URL *'
fine "http:// to this machine" '.crm.base_url="http://localhost:8080/crm/"|.patientnow.base_url="http://[::1]:80"'
fine "workflows may be null" '.workflows={"appointments":null}'

# The calendar
wrong "a calendar entry of another kind" '.calendar={"name":"x","as":"slot"}' 'calendar.as: found "slot", expected "block" or "appointment"'
# unsound PROMISE JQ SAYS: keys that do not go together.
unsound()
{
	jq -c "$2" good.json >conf.json
	refuses "$1" crm-map "crm-map: conf.json: $3"
}
unsound "a calendar by id and by name" '.calendar={"name":"x","calendar_id":"y"}' 'calendar: expected calendar_id or name, found both'
unsound "a calendar by neither" '.calendar={"as":"appointment"}' 'calendar: expected calendar_id or name'
unsound "a user of block slots" '.calendar={"name":"x","user_id":"u"}' 'calendar.user_id is for "as": "appointment"*'
unsound "two calendars of one sub-account" '.calendar={"name":"x"}
	|.facilities={"A":{"location_id":"o","token_file":"crm.token","calendar_id":"1"},"B":{"location_id":"o","token_file":"crm.token","calendar_id":"2"}}' \
	'facilities.B.calendar_id: its sub-account has another one already'
unsound "an id for a sub-account that has its own calendar" '.crm.location_id="main"|.calendar={"calendar_id":"y"}
	|.facilities={"Downtown":{"location_id":"other","token_file":"crm.token"}}' 'facilities.Downtown: calendar_id is missing: *'
unsound "a facility's calendar where the practice has none" '.facilities={"Downtown":{"location_id":"other","token_file":"crm.token","calendar_id":"y"}}' \
	'facilities.Downtown.calendar_id: expected calendar.calendar_id or calendar.name, too'
fine "a calendar by its name for all" '.calendar={"name":"x"}|.facilities={"Downtown":{"location_id":"other","token_file":"crm.token"}}'
fine "a calendar by its id for each" '.crm.location_id="main"|.calendar={"calendar_id":"y","as":"appointment","user_id":"u"}
	|.facilities={"Downtown":{"location_id":"other","token_file":"crm.token","calendar_id":"z"},"Uptown":{"location_id":"main","token_file":"crm.token"}}'

# Hooks
wrong "an unknown scheme" '.hooks.crm.verify="md5"' 'hooks.crm.verify: found "md5", expected token, basic, hmac-sha256, *, or none'
jq -c '.hooks.patientnow={"verify":"hmac-sha256","header":"X-S"}' good.json >conf.json
refuses "a scheme without its secret" crm-map 'crm-map: conf.json: hooks.patientnow: expected secret_file'
fine "two secret files" '.hooks.patientnow={"verify":"token","header":"X","secret_file":["old","new"]}'
wrong "no secret file in a list" '.hooks.patientnow={"verify":"token","header":"X","secret_file":[]}' \
	'hooks.patientnow.secret_file: found an empty list, expected a file, or a list of files'
jq -c '.hooks.patientnow={"secret_file":"pnp.token"}' good.json >conf.json
refuses "a secret without a scheme" crm-map 'crm-map: conf.json: hooks.patientnow: expected verify*'
jq -c '.hooks.crm={"verify":"ed25519","header":"X-S"}' good.json >conf.json
refuses "a scheme without its key" crm-map 'crm-map: conf.json: hooks.crm: expected key_file'

# The file
refuses_file()
{
	printf '%b' "$2" >conf.json
	refuses "$1" crm-map "crm-map: conf.json:$3"
}
refuses_file "bad JSON names its line" '{\n "practice": "a",\n "timezone" "UTC" }\n' '3: no JSON: a colon is missing'
refuses_file "a comma too many" '{\n "practice": "a",\n}\n' '3: no JSON: a name in quotes is missing'
refuses_file "an empty file" '' '1: no JSON: a value is missing'
refuses_file "a list" '[]' '1: found a list, expected an object'
refuses_file "invalid UTF-8" '{\n "practice": "\xff" }' '2: no JSON: invalid UTF-8'
refuses_file "a comment that does not end" '{ "practice": "a" /* }' '1: no JSON: *'
printf '// one\n{ "practice": "a//b", /* two\n three */ "timezone": "UTC", "pipelines": "non-surgical" } // four' >conf.json
refuses "comments are no part of it, and their lines count" crm-map 'crm-map: conf.json:2: practice: found "a//b", expected *'
sed -i 's#a//b#a#' conf.json
holds "comments may stand anywhere" crm-map -c conf.json </dev/null
rm conf.json
refuses "a missing file" crm-map 'crm-map: cannot read the configuration conf.json: No such file or directory'
mkdir conf.json
refuses "a folder" crm-map 'crm-map: cannot read the configuration conf.json: Is a directory'
rmdir conf.json
is "no file at all" "$(crm-map </dev/null 2>&1)$?" 'crm-map: no configuration: give -c FILE, or set PNOW_CONFIG78'
is "\$PNOW_CONFIG names it" "$(PNOW_CONFIG=good.json crm-map </dev/null 2>&1)$?" 0
mkdir elsewhere
is "paths in it are relative to its folder" "$(cd elsewhere && categorize -c ../good.json </dev/null 2>&1)$?" 0

# Each command checks the whole file
jq -c '.crm.locaton_id="x"' good.json >conf.json
for command in categorize crm-map pnow-enrich crm-push; do
	refuses "$command checks what it does not use" "$command" "$command: conf.json:1: unknown key crm.locaton_id: *"
done

# The sheet
cp good.json conf.json
bad_sheet()
{
	printf '%b' "$2" >sheet.csv
	refuses "$1" categorize "categorize: sheet.csv$3"
}
good_sheet()
{
	printf '%b' "$2" >sheet.csv
	is "$1" "$(printf '{"type":"appointment.booked","appointment":{"status":"booked","type":"%s"}}\n' "$3" |
		categorize -c conf.json 2>&1 | jq -r .category)" "$4"
}
head='Appointment Type,Appointment Category\n'
bad_sheet "a category that does not exist" "${head}Botox,Injectable\n" ':2: Botox: found the category "Injectable", expected Surgical Consult, *'
bad_sheet "what it quotes of the sheet stays in its one line" "${head}\"Bo\ntox\",\"In\rject\nable\"\n" ':2: Bo tox: found the category "In ject able", expected *'
bad_sheet "a type that is missing" "${head},Block\n" ':2: expected an appointment type in the first column'
bad_sheet "a type twice, though written otherwise" "${head}Botox,Block\nLaser,Block\nBO TOX,Block\n" ':4: the same appointment type is on line 2 already, expected each type once'
bad_sheet "a missing header" 'Botox,Non-Surgical Appointment\n' ':1: expected the header "Appointment Type,Appointment Category"'
bad_sheet "an empty sheet" '' ':1: expected the header *'
bad_sheet "a line break in quotes counts" "${head}\"A\nB\",Block\nBotox,Nothing\n" ':4: Botox: found the category "Nothing"*'
bad_sheet "a quote that does not end" "${head}\"Botox,Block\n" ':2: no CSV: *'
bad_sheet "a sheet in UTF-16" '\xff\xfeA\0p\0p\0\n\0' ':1: no CSV: it is UTF-16: save the file as CSV UTF-8'
bad_sheet "one that starts with a quote" '\xfe\xff\0"\0A\0"\0\n' ':1: no CSV: it is UTF-16: *'
bad_sheet "and one without a mark" 'A\0p\0p\0,\0B\0' ':1: no CSV: a NUL byte *'
rm sheet.csv
refuses "a sheet that is not there" categorize 'categorize: *: cannot read the sheet sheet.csv: No such file or directory'
good_sheet "a sheet as spreadsheets save it: a mark in front, CR LF, more columns" \
	"\\xef\\xbb\\xbfAppointment Type,Appointment Category,Since\\r\\nBotox,Block,2024\\r\\n" Botox Block
good_sheet "quotes, commas and line breaks in a type" "${head}\"Peel, \"\"deep\"\"\nor light\",Pre-Op\n" 'Peel, \"deep\"\nor light' Pre-Op
good_sheet "semicolons, as Excel saves them where a comma is in numbers" \
	"\\xef\\xbb\\xbfAppointment Type;Appointment Category\\r\\n\"Peel; deep, 1,5\";Pre-Op\\r\\n" 'Peel; deep, 1,5' Pre-Op
good_sheet "the line before the header by which Excel tells them" 'sep=;\r\nAppointment Type;Appointment Category\r\nBotox;Block\r\n' Botox Block
good_sheet "tabs" 'Appointment Type\tAppointment Category\nBotox\tBlock\n' Botox Block
good_sheet "Windows-1252" "${head}R\\xe9tinol \\x96 peel,Block\n" 'Rétinol – Peel' Block
good_sheet "UTF-8 with a mark" "\\xef\\xbb\\xbf${head}R\\xc3\\xa9tinol,Block\n" 'Rétinol' Block
good_sheet "lines that end as on old Macs" 'Appointment Type,Appointment Category\rBotox,Block\rLaser,Pre-Op' Laser Pre-Op
good_sheet "rows of any number of columns" "${head}Botox,Block,since 2024\nLaser\nYoga,Pre-Op\n" Yoga Pre-Op
good_sheet "empty lines, and no newline at its end" "${head}\n,,\nBotox, block " BOTOX Block

# Secrets
printf 'Appointment Type,Appointment Category\n' >sheet.csv
event='{"type":"patient.updated","payload":{},"patient":{"id":"1"}}'
echo "$event" >event
input=event
chmod 644 pnp.token
refuses "a secret that others can read" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file: the secret file pnp.token has mode 0644, expected 0600 (chmod 600 pnp.token)'
chmod 640 pnp.token
refuses "or the group" pnow-enrich 'pnow-enrich: *the secret file pnp.token has mode 0640, expected 0600 *'
chmod 600 pnp.token
: >pnp.token
refuses "an empty secret" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file: the secret file pnp.token is empty*'
printf '\0sandbox-pnp-token\n' >pnp.token
refuses "a secret that begins with a NUL: it is not taken for an empty one" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file: the secret file pnp.token has a NUL byte *'
printf 'sandbox-pnp\0token' >pnp.token
refuses "a secret with a NUL in it: it is not cut there" pnow-enrich 'pnow-enrich: *the secret file pnp.token has a NUL byte *'
printf 'sandbox-pnp-token\nX-More: header\n' >pnp.token
refuses "a secret of two lines: it is not sent as two headers" pnow-enrich 'pnow-enrich: *the secret file pnp.token has a line break *expected one line of text*'
printf '\nsandbox-pnp-token\n' >pnp.token
refuses "an empty line before a secret" pnow-enrich 'pnow-enrich: *the secret file pnp.token has a line break *'
printf 'pnp-tok\n' >pnp.token
refuses "a secret that is too short to be one" pnow-enrich 'pnow-enrich: *the secret file pnp.token has 7 bytes, expected 8 or more: *'
plain=(setpriv --bounding-set=-all --inh-caps=-all)
if [ "$(id -u)" -eq 0 ] && "${plain[@]}" true 2>/dev/null; then
	chmod 600 pnp.token && chown 65534 pnp.token
	like "another user's secret: chown it" "$("${plain[@]}" pnow-enrich -c conf.json </dev/null 2>&1)" \
		"*cannot read the secret file pnp.token: Permission denied: it is user 65534's, and this runs as user 0 (chown 0 pnp.token)"
else
	skip "another user's secret: chown it" 'needs root, and setpriv'
fi
rm pnp.token
refuses "a missing secret" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file: cannot read the secret file pnp.token: No such file or directory'
mkdir pnp.token
refuses "a folder for a secret" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file: pnp.token is no regular file*'
jq -c 'del(.patientnow.token_file)' good.json >conf.json
refuses "a secret that is not named" pnow-enrich 'pnow-enrich: conf.json: patientnow.token_file is missing: *'
jq -c 'del(.state)' good.json >conf.json
rmdir pnp.token && make_secrets .
refuses "a state that is not named" pnow-enrich 'pnow-enrich: conf.json: state is missing*'
jq -c 'del(.patientnow.practice_id)' good.json >conf.json
refuses "a practice id that is not named" pnow-enrich 'pnow-enrich: conf.json: patientnow.practice_id is missing*'
jq -c '.patientnow.profile="patientnow-max"' good.json >conf.json
refuses "a profile that does not exist" pnow-enrich 'pnow-enrich: conf.json: patientnow.profile: cannot read the profile *patientnow-max.json: *'
sed -e 's/"first_name"/"firstname"/' "$root/lib/profiles/patientnow-pro.json" >mine.json
jq -c '.patientnow.profile="./mine.json"' good.json >conf.json
sed -e 's/"authorization": *"[^"]*"/"authorization": "x\\nX-Other: y"/' "$root/lib/profiles/patientnow-pro.json" >broken.json
jq -c '.patientnow.profile="./broken.json"' good.json >conf.json
refuses "a line break in a header of a profile" pnow-enrich 'pnow-enrich: ./broken.json:*: authorization: found text with a control character, expected one line of text'
jq -c '.patientnow.profile="./mine.json"' good.json >conf.json
refuses "a profile of one's own with a mistake" pnow-enrich 'pnow-enrich: ./mine.json:*: unknown key patient.*.firstname: expected a fact of pnow-event(5); the nearest one is first_name'
sed 's/"pages_header"/"page_header"/' "$root/lib/profiles/patientnow-essentials.json" >mine.json
refuses "an unknown key of a profile names the nearest" pnow-enrich 'pnow-enrich: ./mine.json:*: unknown key paging.page_header: the nearest known one is paging.pages_header'
sed 's/"appointment": {/"apointment": {/' "$root/lib/profiles/patientnow-pro.json" >mine.json
refuses "also where the whole object is misspelt" pnow-enrich 'pnow-enrich: ./mine.json:*: unknown key apointment: the nearest known one is appointment'
input=
sed 's#"base_url": *"[^"]*"#"base_url": "http://example.com"#' "$root/lib/profiles/patientnow-pro.json" >mine.json
refuses "a profile of one's own whose base_url would send the token in plain text" pnow-enrich 'pnow-enrich: ./mine.json:*: base_url: found "http://example.com", expected a URL that starts with https:// *'
is "no message has a secret in it" "$(grep -rl sandbox-pnp-token . | sort | tr '\n' ' ')" './pnp.token '

# What the pure filters open
rm -f state.db* ./*.token
cp good.json conf.json
for command in categorize crm-map; do
	is "$command needs no secret" "$("$command" -c conf.json <event 2>&1 >/dev/null)$?" 0
	if ! command -v strace >/dev/null; then
		skip "$command opens no socket" "strace is not installed"
	elif sanitized || ! strace -o trace true 2>/dev/null; then
		skip "$command opens no socket" "strace cannot run here, or the build has sanitizers"
	else
		strace -f -o trace -e trace=network,openat,open "$command" -c conf.json <event >/dev/null
		is "$command opens no socket" "$(grep -cE '^[0-9]+ +(socket|connect|bind)\(' trace)" 0
		is "$command opens no secret and no state" "$(grep -cE 'token|password|apikey|state\.db' trace)" 0
	fi
done
is "nor makes a state" "$(find . -name 'state.db*')" ''
finish
