#!/usr/bin/env bash
# A program loads the libraries that it uses, and no others: each costs every process memory, and time at its start.
# shellcheck disable=SC2154 # from tap.sh: bin
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

# linked LIBRARY: the programs that are linked with it.
linked()
{
	local program
	for program in "$bin"/*; do
		! readelf -d "$program" | grep -q "(NEEDED).*\[$1\.so" || printf '%s\n' "${program##*/}"
	done | xargs
}

if command -v readelf >/dev/null; then
	everybody=$(cd "$bin" && echo *)
	is 'libc: readelf sees what a program is linked with' "$(linked libc)" "$everybody"
	# LIBRARY, and who needs it.
	while read -r library programs; do
		is "$library: ${programs:-nobody}" "$(linked "$library")" "$programs"
	done <<-'END'
		libpq
		libssl
		libcrypto
		libcurl pnow-sandbox
		libsqlite3 crm-push crm-setup pnow-enrich pnow-fetch pnow-hook pnow-inbox pnow-push pnow-sync
		libmicrohttpd pnow-hook pnow-sandbox
		libjson-c pnow-report pnow-sandbox
		libcsv categorize crm-setup pnow-csv pnow-sync
		libunistring crm-push pnow-push pnow-sandbox pnow-sync
		libz pnow-hook
	END
else
	skip 'a program is linked with what it uses' 'no readelf here'
fi

# A libpq, a libcurl and a libcrypto that cannot be loaded.
mkdir none
echo 'no library' | tee none/libpq.so.5 none/libcrypto.so.3 >none/libcurl.so.4
export LD_LIBRARY_PATH=$work/none PNOW_CONFIG=conf.json
conf()
{
	printf '{"practice":"p","timezone":"UTC","pipelines":"non-surgical","state":"%s","patientnow":{"practice_id":"1"}}\n' "$1" >conf.json
}

# refused COMMAND…: its status, and the first line it says.
refused()
{
	timeout 20 "$@" >out 2>err
	printf '%s %s\n' $? "$(head -n 1 err)"
}

conf 'postgresql://somebody@127.0.0.1:1/pnow'
why="cannot use the state database postgresql://somebody@127.0.0.1:1/pnow#p: that needs libpq 14 or newer (Debian's libpq5): *libpq.so.5*"
for command in 'pnow-inbox list' 'pnow-inbox add' 'pnow-inbox run -1 -- cat' 'pnow-enrich -n' 'pnow-enrich'; do
	# shellcheck disable=SC2086 # words
	like "without libpq: $command says what a state in PostgreSQL needs" "$(refused $command </dev/null)" "69 ${command%% *}: $why"
done
event='{"id":"e","type":"patient.updated","payload":{},"patient":{"id":"7"}}'
is '... and a filter, which has no state, does its work' "$(crm-map <<<"$event" | jq -r .id)" e
conf state.db
is '... and so does all where the state is a file' "$(pnow-inbox add <<<"$event" >out && pnow-inbox list | jq -r .id)" e

# The CRM is asked for the names of its fields first.
jq -c '.crm = {base_url: "http://127.0.0.1:1", location_id: "loc", token_file: "crm.token"}' conf.json >crm.json
(umask 077 && echo a-token-of-the-crm >crm.token)
crm-map <<<"$event" >mapped
like 'without libcurl: crm-push says what a request needs' "$(PNOW_CONFIG=crm.json refused crm-push <mapped)" "69 crm-push: requests need libcurl (Debian's libcurl4): *libcurl.so.4*"
is '... and pnow-push, which has nothing to ask for, does its work' "$(PNOW_CONFIG=crm.json pnow-push <mapped | jq -r .id)" e

# hook VERIFY: a hook that verifies so, and nothing else, asked by CGI.
hook()
{
	jq -c --arg verify "$1" '.hooks.patientnow = {verify: $verify, header: "X-Token", secret_file: "hook.secret"}' conf.json >hook.json
	PNOW_CONFIG=hook.json GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST PATH_INFO=/hook/p/patientnow CONTENT_TYPE=application/json CONTENT_LENGTH=2 \
		HTTP_X_TOKEN=$2 SCRIPT_NAME=/ timeout 20 pnow-hook <<<'{}' 2>err
}
(umask 077 && echo a-token-of-the-hook >hook.secret)
like 'without libcrypto: a hook with a token takes an event' "$(hook token a-token-of-the-hook)" '*200*'
like '... and refuses one with another' "$(hook token a-token-of-the-hook-)" '*401*'
hook hmac-sha256 x >out
like '... and with signatures it says what these need' "$? $(head -n 1 err)" "78 pnow-hook: hook.json: hooks.patientnow.verify: that needs libcrypto 3 (Debian's libssl3): *libcrypto.so.3*"
finish
