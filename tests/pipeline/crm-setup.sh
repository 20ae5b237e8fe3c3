#!/usr/bin/env bash
# crm-setup: each thing that it checks is broken once, and its row says what was found and how to mend it.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
faults=$bin/../tests/faults.so
export PNOW_CONFIG=$DIR/test.json
FIELDS=24 # of the set
both='.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}, Mall: {location_id: "'$DOWNTOWN'",
	token_file: "downtown.token"}}'

seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez"}]'
sandbox
practice test

# --- All is well

change "$both"
is 'all is well: nothing to mend, status 0' "$status $(jq -r 'select(.state | IN("ok", "skipped", "warning") | not) | .check' "$DIR/rows")" '0 '
is 'each sub-account is looked at, one that two facilities share once' "$(jq -r 'select(.check == "CRM") | .location' "$DIR/rows" | xargs)" \
	"$MAIN $DOWNTOWN"
is 'three lists and the settings of each, and nobody, none asked twice' "$(requests '.path | select(contains("pnowAsks") | not)' | sort | uniq -c |
	awk '{ print $1 }' | xargs)" '1 1 1 1 1 1 1 1'
is 'nothing is written' "$(requests 'select(.method != "GET") | "\(.path) \(.status)"' | sort -u | xargs)" \
	'/contacts/pnowAsksForNobody00 400 /opportunities/pnowAsksForNothing0 400'
is 'on a terminal it is a table' "$(script -qec crm-setup /dev/null | tr -d '\r' | awk 'NR == 1 || / clock / { print $1, $2 }' | xargs)" 'STATE CHECK ok clock'

# --- Files of this machine

printf '{' >"$DIR/broken.json"
crm-setup -c "$DIR/broken.json" >"$DIR/rows" 2>"$DIR/err"
like 'a configuration that is none: status 78' "$? $(cat "$DIR/err")" '78 crm-setup: *broken.json:1: no JSON*'
for wrong in '.timezone = "America/Atlantis"' '.country = "ZZ"'; do
	change "$wrong"
	like "$wrong: status 78" "$status $(cat "$DIR/err")" '78 crm-setup: *test.json:*expected*'
done
practice test
chmod 666 "$DIR/test.json"
setup
told 'a configuration that others may change' 0 configuration '' 'warning: *mode 0666* -> *chmod go-w *'
rm "$DIR/test.json"

change '.state = "nowhere/test.db"'
told 'no folder for the state file' 1 'state file' '' 'wrong: *No such file* -> Make its folder: *nowhere*'
told 'PatientNow is not asked then' 1 PatientNow '' 'unknown: not asked -> Mend the state, *'
change 'del(.state)'
told 'no state file' 1 'state file' '' 'missing: * -> Write "state": *'
change '.state = "crm.token"'
told 'a state file that is none' 1 'state file' '' 'wrong: *not a database* -> *move it away*'
practice test
sqlite3 "$DIR/test.db" 'PRAGMA user_version = 999'
setup
told 'the state file of a newer pnow' 1 'state file' '' 'wrong: *version 999* -> *newer*'
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$DIR/theirs" && chown nobody "$DIR/theirs"
	change '.state = "theirs/test.db"'
	told 'root, where the state is another user'\''s' 1 user '' "wrong: *nobody's -> *su -s /bin/sh nobody *"
	is 'and no state file of root is made there' "$(ls "$DIR/theirs")" ''
else
	skip 'root, where the state is another user'\''s' 'not root'
fi
practice test
rm "$DIR/test.db"* # the newer pnow's
for free in '3 1 wrong' '100 0 warning'; do
	read -r mib want word <<<"$free"
	ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$faults PNOW_FAULTS_FREE=$mib setup
	told "a disk with $mib MiB left" "$want" disk '' "$word: [0-9]* MiB free* -> Make room*"
done

mkdir "$DIR/programs"
for program in bash pnow-hook pnow-sync crm-push pnow-enrich categorize pnow-push crm-setup; do
	ln -s "$(command -v $program)" "$DIR/programs/$program"
done
PATH=$DIR/programs setup
told 'a program of the pipeline that is not in PATH' 1 program pnow-inbox 'missing: not in PATH -> Install it*'
told 'a filter is not: pnow-sync does without' 1 program crm-map 'warning: * -> Install it*'
told 'jq is not: pnow-sync does without' 1 program jq 'warning: * -> Install it*'

change '.patientnow.profile = "./mine.json"'
told 'no such profile' 1 profile "$DIR/./mine.json" 'wrong: *cannot read the profile* -> *patientnow-pro*'

# --- Secrets and hooks

change '.patientnow.token_file = "no.token"'
told 'no token for PatientNow' 1 secret patientnow 'wrong: *patientnow.token_file*no.token: No such file* -> Put the secret*'
practice test
chmod 644 "$DIR/crm.token"
setup
told 'a token that all can read' 1 secret crm 'wrong: *crm.token_file*mode 0644*chmod 600* -> *'
told 'the CRM is not asked then' 1 CRM '' 'unknown: not asked -> *'
chmod 600 "$DIR/crm.token"
practice test "$both"
: >"$DIR/downtown.token"
setup
told 'an empty token of a facility' 1 secret facilities.Downtown 'wrong: *facilities.Downtown.token_file*is empty* -> *'
is 'the other sub-account is looked at all the same' "$(jq -r 'select(.check == "CRM") | .location' "$DIR/rows")" "$MAIN"

change 'del(.hooks)'
told 'no hook' 1 hook hooks.patientnow 'missing: * -> Write hooks.patientnow *'
change '.hooks.patientnow = {verify: "none"}'
told 'a hook that verifies nothing' 0 hook hooks.patientnow 'warning: *whoever reaches it is believed -> *'
change '.hooks.patientnow.secret_file = "gone"'
told 'a hook without its secret' 1 hook hooks.patientnow 'wrong: *gone: No such file* -> Put what the sender gave you*'
chmod 644 "$DIR/hook.secret"
change '.'
told 'one that all can read is mended by what is said of it' 1 hook hooks.patientnow 'wrong: *chmod 600 * -> Run the command in brackets.'
chmod 600 "$DIR/hook.secret"
change '.hooks.crm = {verify: "ed25519", key_file: "hook.secret"}'
told 'a hook whose key is none' 1 hook hooks.crm 'wrong: *expected an Ed25519 public key* -> Put*'

# --- PatientNow and the sheet

printf 'Appointment Type,Appointment Category\nBotox,Injection\n' >"$DIR/wrong.csv"
change '.categories = "wrong.csv"'
told 'a sheet with a category that there is not' 1 sheet '' 'wrong: *wrong.csv:2: *Injection* -> *categorize -s*'
practice test
printf 'nobody-knows' >"$DIR/pnp.token"
setup
told 'PatientNow refuses the token' 1 PatientNow '' 'wrong: *401* -> Ask PatientNow for a new token*'
practice test
fault 503 api=patientnow
setup
told 'PatientNow is down' 1 PatientNow '' 'wrong: *503* -> Look at patientnow.base_url*try again later.'
faults_end
sed 's#"patients?rows=1"#"humans"#' "$root/lib/profiles/patientnow-pro.json" >"$DIR/mine.json"
change '.patientnow.profile = "./mine.json"'
told 'a profile with a path that there is not' 1 PatientNow '' 'wrong: humans: 404 -> *mend a copy*'
change '.patientnow.daily_limit = 2'
told 'no call left' 1 quota '' 'wrong: 0 of 2 * -> Wait for tomorrow*'
setup
told 'PatientNow is not asked when none is left' 1 PatientNow '' 'unknown: *used up -> Wait for tomorrow*'
change '.patientnow.daily_limit = 21'
state_calls_set "$DIR/test.db" 17
setup
told 'few calls left' 0 quota '' 'warning: 2 of 21 * -> *'

# Essentials, and a list of types of more than one page.
sandbox_stop
seed '.patientnow.appointments = [(range(130) | "Type \(.)"), "Chemical Peel", "botox" | {appointmentId: ., appointmentType: .}]'
sandbox
essentials='.patientnow = {profile: "patientnow-essentials", base_url: "'$API'/envision", user: "sandbox", password_file: "pne.password",
	apikey_file: "pne.apikey"}'
make_secrets "$DIR"
{ echo 'Appointment Type,Appointment Category' && printf '%s,Block\n' Botox 'Type '{0..129}; } >"$DIR/types.csv"
change "$essentials | .categories = \"types.csv\""
told 'a type of appointment that the sheet lacks' 1 'appointment type' 'Chemical Peel' 'missing: * -> Add a line to *types.csv: Chemical Peel,CATEGORY'
is 'all of the list is compared' "$(row 'appointment type')" "ok: 131 of PatientNow's 132 are in the sheet -> "
is 'which takes as few calls as can be' "$(row quota)" 'ok: 997 of 1000 PatientNow calls are left today (UTC) -> '
change "$essentials"' | .pipelines = "non-surgical" | del(.categories)'
is 'no list is asked for where the sheet may lack a type' "$status $(row quota)" '0 ok: 999 of 1000 PatientNow calls are left today (UTC) -> '
practice test "$essentials"
printf 'another-key' >"$DIR/pne.apikey"
setup
told 'Essentials refuses the key' 1 PatientNow '' 'wrong: status: 401* -> Ask PatientNow*'
sed 's#"services"#"treatments"#' "$root/lib/profiles/patientnow-essentials.json" >"$DIR/mine.json"
make_secrets "$DIR"
change "$essentials"' | .patientnow.profile = "./mine.json"'
told 'a profile whose list of types is not there' 0 'appointment type' '' 'warning: treatments: 404: * -> *appointment_types*'

# --- The CRM

practice test
printf 'nobody-knows' >"$DIR/crm.token"
setup
told 'the CRM refuses the token' 1 CRM '' 'wrong: *401* -> Make a private integration*'
change '.crm.base_url = "http://127.0.0.1:1"'
told 'nobody answers' 1 CRM '' 'wrong: *customFields: * -> Look at crm.base_url*'
change '.crm.location_id = "another"'
told 'the token is of another sub-account' 1 pipeline '' 'wrong: *403* -> *scope opportunities.readonly*'
practice test
fault 401 path=/workflows
setup
told 'a list that the token may not read' 1 workflow '' 'wrong: *401* -> Give the private integration the scope workflows.readonly*'
faults_end
for ahead in 5000 -5000; do
	ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$faults PNOW_FAULTS_CLOCK=$ahead setup
	told "a clock that is $ahead s ahead" 1 clock '' 'wrong: [45][0-9][0-9][0-9] s from the CRM* -> *timedatectl*'
done
sandbox_stop

# with FILTER [PRACTICE]: the main sub-account changed by a jq filter.
with()
{
	sandbox_stop
	seed ".crm.locations[0] |= ($1)"
	sandbox
	change "${2:-.}"
}

field='def field($n; f): .customFields |= map(if .name == $n then f else . end);'
with '.customFields |= map(select(.name != "PNOW DOB"))'
told 'a field that is missing' 1 'custom field' 'PNOW DOB' 'missing: * -> Run crm-setup -w, or *Custom Fields, Date Picker; where it has another name there, give that in names.fields.'
with "$field"' field("Next Visit Date"; .dataType = "MONETORY") | field("PNOW ID"; .dataType = "NUMERICAL")
	| field("Patient Lifetime Value"; .dataType = "TEXT") | field("PNOW DOB"; .dataType = "TEXT")'
told 'a field of a kind that drops its values' 1 'custom field' 'Next Visit Date' 'wrong: is MONETORY, not DATE: the CRM drops * -> *rename it*'
told 'a number is no id' 1 'custom field' 'PNOW ID' 'wrong: is NUMERICAL, not TEXT: * -> *rename it*'
told 'text for an amount works, with less' 1 'custom field' 'Patient Lifetime Value' 'warning: is TEXT, not MONETORY: *add up* -> Leave it so*'
told 'and for a date' 1 'custom field' 'PNOW DOB' 'warning: is TEXT, not DATE: * -> Leave it so*'
with "$field"' field("PNOW Unsubscribed"; .picklistOptions = ["Yes", "false"])
	| field("Lead Status"; .dataType = "SINGLE_OPTIONS" | .picklistOptions = ["Lead", "Patient", "Lost"])
	| field("PNOW Location"; .dataType = "RADIO" | .picklistOptions = ["Downtown"])'
told 'a field whose options lack a word of ours' 1 'custom field' 'PNOW Unsubscribed' 'wrong: its options lack "true": * -> Add them*'
told 'a field of options for what can be anything' 1 'custom field' 'PNOW Location' 'wrong: its options lack whatever * -> *'
is 'a field that has our words among its options is right' "$(row 'custom field' 'Lead Status')" ''
with "$field"' field("PNOW Appt Reason"; .name = "PNOW Appointment Reason") | field("PNOW ID"; .name = "EMR Number")
	| field("Lead Status"; .name = "lead status")' '.names.fields = {"PNOW ID": "EMR Number"}'
is 'a field under its other name, or the practice'\''s, or in another case, is right' "$status $(row 'custom field')" \
	"0 ok: $FIELDS of $FIELDS are as they should be -> "

with '.pipelines |= map(select(.name != "Surgical"))'
told 'a pipeline that is missing' 1 pipeline Surgical 'missing: not in the CRM -> Make it in the CRM*"Surgery Scheduled"*names.pipelines.surgical.'
change '.pipelines = "non-surgical"'
told 'one that is not used may be' 0 pipeline Surgical 'skipped: not used -> '
with '.pipelines[1].stages |= map(select(. != "Consult Completed"))' '.consult_stages = true'
told 'a stage that is missing' 1 pipeline Non-Surgical 'missing: lacks the stages "Consult Completed" -> Add them in the CRM*'
change .
is 'one that is not used may be' "$status" 0
change '.consult_stages = true | .move_opportunities = false'
is 'and so may all where nothing moves' "$status" 0
with '.pipelines[1].stages |= map(if . == "Patient" then "Client" else . end)' '.names.stages = {Patient: "Client"}'
is 'a stage under the practice'\''s name is right' "$status" 0

with '.workflows |= map(if . == "PatientNow Birthday" then {name: ., status: "draft"} else . end)' '.workflows.order_paid = "Nobody made it"
	| .workflows.membership = null'
told 'a workflow that is a draft' 1 workflow 'PatientNow Birthday' 'wrong: is draft, not published: * -> *from Draft to Publish.'
told 'a workflow that is missing' 1 workflow 'Nobody made it' 'missing: not in the CRM -> Make and publish it*workflows.order_paid*'
with '.allowDuplicateContact = true | .allowDuplicateOpportunity = true'
told 'contacts may be there twice' 1 setting 'Allow Duplicate Contact' 'wrong: is on: * -> Switch it off in the CRM (Settings > *'
told 'and opportunities' 1 setting 'Allow Duplicate Opportunity' 'wrong: is on: * -> Switch it off in the CRM (Settings > *'
scopes='"contacts.readonly", "contacts.write", "opportunities.readonly", "opportunities.write", "workflows.readonly", "locations/customFields.readonly"'
for scope in contacts.readonly contacts.write opportunities.write; do
	with ".scopes = [$scopes] - [\"$scope\"]"
	told "a token without $scope" 1 scope '' "wrong: *401* -> Give the private integration the scope $scope *"
done
is 'the scopes that it has are right' "$(row scope contacts.readonly)" 'ok: the token has it -> '
told 'what only crm-setup needs may be missing' 1 setting '' 'warning: *401* -> *locations.readonly (nothing else needs it), or see yourself that *are off*'
with ".scopes = [$scopes]"
is 'a token with the scopes that the page lists does' "$status" 0
with '.workflows |= map(if . == "PatientNow Birthday" then {name: ., status: "draft"} else . end)' '.workflows.order_paid = "Nobody made it"
	| .workflows.membership = null'
told 'a workflow that is not wanted' 1 workflow workflows.membership 'skipped: * -> '
sandbox_stop

is 'no secret and nobody is named in all that it said' "$(grep -c -e sandbox-crm-token -e sandbox-pnp-token -e "$SECRET" -e Lopez "$DIR/said")" 0
finish
