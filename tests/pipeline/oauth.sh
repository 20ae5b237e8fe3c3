#!/usr/bin/env bash
# Tokens by OAuth: got in time, after a 401, once for all processes, kept before they are used, for a location and from an
# agency; and what is said when a person must authorize the app again.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

location='.crm |= (del(.token_file) | .oauth = {client_id: "sandbox-client", client_secret_file: "client.secret",
	refresh_token_file: "refresh.token"})'
agency="$location | .crm.oauth.company_id = \"sandboxCompany000000\" | .facilities.Downtown.location_id = \"$DOWNTOWN\""
T1=2026-12-01T10:00:00Z

# begin PRACTICE-FILTER REFRESH-TOKEN [EXPIRES-IN [OPTION…]]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed '.crm.oauth.expires_in = $life' --argjson life "${3:-86399}"
	sandbox "${@:4}"
	practice test "$1"
	printf 'sandbox-client-secret\n' >"$DIR/client.secret"
	printf '%s\n' "$2" >"$DIR/refresh.token"
}

# patients NAME NUMBER: so many events, each of a new patient, mapped, in $DIR/NAME.
patients()
{
	for ((n = 1; n <= $2; n++)); do
		event patient.created "$1-$n" $T1 "{patient: {id: \"$1-$n\", first_name: \"A\", last_name: \"B\", email: \"$1-$n@example.com\"}}"
	done | PNOW_CONFIG=$DIR/test.json crm-map >"$DIR/$1"
}

# run FILE [OPTION…]: crm-push of it; results in $DIR/results, words in $DIR/err.
run()
{
	PNOW_CONFIG=$DIR/test.json crm-push "${@:2}" <"$DIR/$1" >"$DIR/results" 2>"$DIR/err"
}

# came: the distinct statuses and errors of the results, each with how often it came.
came()
{
	jq -r '[.status, .error.code // empty, .error.retry // empty] | map(tostring) | join(" ")' "$DIR/results" | sort | uniq -c | sed 's/^ *//'
}

# tokens [PATH]: how often tokens were asked for, by status.
tokens()
{
	requests "select(.path == \"${1:-/oauth/token}\") | .status" | sort | uniq -c | sed 's/^ *//' | paste -sd,
}

kept()
{
	state_sql "$DIR/test.db" "SELECT $1 FROM token"
}

# --- A location's app

begin "$location" sandbox-crm-refresh
patients first 3
run first
is 'a refresh token gives a token, and all is done' "$(came)" '3 done'
is 'the token is asked for once' "$(tokens)" '1 200'
patients second 2
run second
is 'another run uses the token that is kept' "$(came) $(tokens)" '2 done 1 200'
promise='the state file that holds it is private'
! about_files "$promise" || is "$promise" "$(stat -c %a "$DIR/test.db")" 600
run second -v
found=$(cat "$DIR/results" "$DIR/err" | grep -c -e "$(kept access)" -e "$(kept refresh)" -e sandbox-client-secret -e sandbox-crm-refresh)
is 'no secret is in results and on stderr' "$found" 0
rm "$DIR/client.secret" "$DIR/refresh.token"
patients dry 1
run dry -n
is 'a dry run reads no secret' "$? $(jq -r .path "$DIR/results")" '0 /contacts/upsert'

begin "$location" sandbox-crm-refresh 4
patients long 40
fault delay ms=150
run long -j 2
is 'tokens that expire in the middle of a run: all is done' "$(came)" '40 done'
[ "$(requests 'select(.path == "/oauth/token" and .status == 200) | .n' | wc -l)" -gt 1 ]
point 'and each was followed by another, for which the refresh token before it was spent' "$(tokens)"

begin "$location" sandbox-crm-refresh 1000
patients early 2
head -n 1 "$DIR/early" >"$DIR/one"
now=$(date +%s)
run one
[ "$(kept 'expires / 1000')" -ge $((now + 890)) ] && [ "$(kept 'expires / 1000')" -le $(($(date +%s) + 900)) ]
point 'a token is used for nine tenths of its life' "$(kept 'expires / 1000') at $now"
state_tokens_end "$DIR/test.db"
run early
is 'and replaced then, before the CRM refuses it' "$(tokens) $(requests 'select(.status == 401) | .path')" '2 200 '

for life in 31536000 9223372036854775807; do
	begin "$location" sandbox-crm-refresh $life
	patients ages 2
	now=$(date +%s)
	run ages
	run ages
	[ "$(tokens)" = '1 200' ] && [ "$(kept 'expires / 1000')" -gt $((now + 86000)) ] && [ "$(kept 'expires / 1000')" -le $((now + 86460)) ]
	point "a token that is said to live for $life s is used for a day" "$(tokens), $(kept 'expires / 1000') at $now"
done

begin "$location" sandbox-crm-refresh
patients before 1
patients after 12
run before
at_sandbox revoke POST '{"what":"access"}'
run after -j 4
is 'a token that was revoked is replaced, and what was refused is done' "$(came)" '12 done'
is 'by one refresh, however many requests were refused' "$(tokens)" '2 200'
fault 401
patients always 6
run always -j 1
is 'where each token is refused: failed, to be tried again' "$(came)" '6 failed refused true'
[ "$(requests 'select(.path == "/oauth/token") | .n' | wc -l)" -le 4 ]
point 'and not a refresh for each request' "$(tokens)"
faults_end
state_outage_due "$DIR/test.db"
run always
is 'and then it is done' "$(came)" '6 done'

# --- Several processes, and interruptions

begin "$location" sandbox-crm-refresh
fault delay path=/oauth ms=300
for n in $(seq 10); do patients "p$n" 2; done
for n in $(seq 10); do
	PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/p$n" >"$DIR/results.$n" 2>"$DIR/err.$n" &
	running[n]=$!
done
wait "${running[@]}"
cat "$DIR"/results.* >"$DIR/results"
is 'ten processes at once: all is done' "$(came)" '20 done'
is 'and one refresh token was spent' "$(tokens)" '1 200'

# Another host has a file of its own.
begin "$location" sandbox-crm-refresh
cp "$DIR/refresh.token" "$DIR/other.token"
jq '.crm.oauth.refresh_token_file = "other.token"' "$DIR/test.json" >"$DIR/other.json"
for name in first here there again; do patients $name 1; done
run first
at_sandbox reset POST
curl -sS "$API/crm/oauth/token" -d client_id=sandbox-client -d client_secret=sandbox-client-secret \
	-d grant_type=refresh_token -d refresh_token=sandbox-crm-refresh | jq -r .refresh_token >"$DIR/refresh.token"
state_tokens_end "$DIR/test.db"
run here
state_tokens_end "$DIR/test.db"
PNOW_CONFIG=$DIR/other.json crm-push <"$DIR/there" >>"$DIR/results" 2>>"$DIR/err"
state_tokens_end "$DIR/test.db"
PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/again" >>"$DIR/results" 2>>"$DIR/err"
is 'a host whose file still has the spent refresh token goes on with what the others were given, and so do they' \
	"$(jq -r .status "$DIR/results" | paste -sd' ') $(requests 'select(.path == "/oauth/token" and .status != 200) | .n')" \
	'done done done '

begin "$location" sandbox-crm-refresh
patients killed 1
fault delay path=/oauth/token ms=3600000 count=1
PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/killed" >/dev/null 2>&1 &
process=$!
until_true matches '"left": *0' faults
kill -KILL $process
wait $process 2>/dev/null
# the sandbox does what was asked when it sees that the client has gone
until_true matches '"path": *"/oauth/token"' requests
run killed
is 'killed while the token came: the refresh token is spent' "$(came)" '1 failed refused true'
like 'and it says what to do' "$(jq -r .error.message "$DIR/results")" "*authorize the app again in the CRM, and put the new refresh token into $DIR/refresh.token"
patients many 20
before=$(requests .n | wc -l)
run many
is 'the CRM is not asked again for each event' "$(came) $(($(requests .n | wc -l) - before))" '20 failed refused true 0'
at_sandbox reset POST # the app is authorized again: a refresh token that nobody has used
curl -sS "$API/crm/oauth/token" -d client_id=sandbox-client -d client_secret=sandbox-client-secret \
	-d grant_type=refresh_token -d refresh_token=sandbox-crm-refresh | jq -r .refresh_token >"$DIR/refresh.token"
run many
is 'with a new refresh token in the file it goes on' "$(came)" '20 done'

begin "$location" spent-refresh
patients new 2
run new
is 'a refresh token that is none: failed, to be tried again' "$(came)" '2 failed refused true'
printf 'sandbox-crm-refresh\n' >"$DIR/refresh.token"
run new
is 'and done with another in the file' "$(came) $(tokens)" '2 done 1 200,1 400'

begin "$location" sandbox-crm-refresh
patients hollow 1
printf '\nsandbox-crm-refresh\n' >"$DIR/refresh.token"
run hollow
is 'a file of the refresh token that begins with an empty line is a wrong configuration' "$? $(cat "$DIR/results")" '78 '
like 'and it is said how' "$(cat "$DIR/err")" 'crm-push: *crm.oauth.refresh_token_file: *refresh.token has a line break *'

# emptied NAME: the file of the refresh token is emptied once crm-push has begun, and then the event comes.
emptied()
{
	printf 'sandbox-crm-refresh\n' >"$DIR/refresh.token"
	state_closed "$DIR/test.db" # it is opened when the secrets have been read
	mkfifo "$DIR/$1.events"
	PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/$1.events" >"$DIR/results" 2>"$DIR/err" &
	process=$!
	exec 3>"$DIR/$1.events"
	until_true state_opened "$DIR/test.db"
	: >"$DIR/refresh.token"
	cat "$DIR/$1" >&3
	exec 3>&-
	wait $process
	status=$?
}
patients gone 1
emptied gone
is 'a file that is emptied while it runs, and no token is kept: failed, to be tried again' "$status $(came)" '75 1 failed refused true'
like 'and it is said which' "$(jq -r .error.message "$DIR/results")" 'there is no refresh token: the secret file *refresh.token is empty: *'
printf 'sandbox-crm-refresh\n' >"$DIR/refresh.token"
run gone
is 'and done with a token in it' "$(came)" '1 done'
state_tokens_end "$DIR/test.db"
patients kept 1
emptied kept
is 'a file that is emptied while the next token is kept: done with that' "$status $(came) $(tokens)" '0 1 done 2 200'
state_sql "$DIR/test.db" "UPDATE token SET expires = 1, refresh = 'spent-refresh' WHERE expires > 0"
patients none 1
emptied none
like 'and where that is spent, it is said that the file has none' "$(came) $(jq -r .error.message "$DIR/results")" \
	'1 failed refused true POST /oauth/token: 400: the refresh token is not valid, or spent, and the secret file *refresh.token is empty: *'

begin "$location" sandbox-crm-refresh
patients lost 2
fault reset-before path=/oauth/token count=1
run lost -j 1
is 'an answer that is lost is not asked for again at once' "$(came)" '1 done
1 failed lost true'
run lost
is 'but the refresh token may be good still, and then it is done' "$(came)" '1 done
1 unchanged'

begin "$location" sandbox-crm-refresh
patients client 1
printf 'wrong-secret\n' >"$DIR/client.secret"
run client
is 'a wrong client secret: refused' "$(came)" '1 failed refused true'
like 'and it is said which' "$(jq -r .error.message "$DIR/results")" 'POST /oauth/token: 400: crm.oauth.client_id or the secret in client_secret_file is wrong'
printf 'sandbox-client-secret\n' >"$DIR/client.secret"
run client
is 'the refresh token is not spent by that' "$(came)" '1 done'

begin "$location" sandbox-crm-refresh
patients full 2
PNOW_CONFIG=$DIR/test.json crm-push </dev/null # makes the state file
state_fails "$DIR/test.db" token
run full
is 'where the state file cannot be written no refresh token is spent' "$(came) $(tokens)" '2 failed state true '
state_works "$DIR/test.db" token
run full
is 'and then it is done' "$(came) $(tokens)" '2 done 1 200'

# --- An agency's app

begin "$agency" sandbox-agency-refresh
{
	event appointment.booked a1 $T1 '{patient: $ana} + visit("88123"; "booked")'
	event patient.created b1 $T1 '{patient: $ben}'
} | PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map' >"$DIR/both"
run both
is 'an agency: each event to its location' "$(jq -r .location_id "$DIR/results" | sort)" "$(printf '%s\n' $DOWNTOWN $MAIN | sort)"
is 'all is done' "$(came)" '2 done'
is 'crm-setup takes the same way' "$(PNOW_CONFIG=$DIR/test.json crm-setup | jq -c 'select(.check == "CRM") | [.location, .state]' | sort | paste -sd' ')" \
	"[\"$DOWNTOWN\",\"ok\"] [\"$MAIN\",\"ok\"]"
is 'with a token for each location, of one for the agency' "$(tokens) $(tokens /oauth/locationToken)" '1 200 2 200'
at_sandbox revoke POST '{"what":"access"}'
patients agency 3
run agency -j 3
is 'where all tokens were revoked both are got again, once' "$(came) $(tokens) $(tokens /oauth/locationToken | sed 's/,.*//')" '3 done 2 200 3 200'
finish
