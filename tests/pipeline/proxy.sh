#!/usr/bin/env bash
# A proxy sees no token and nobody's name: what goes in plain text stays on this machine, and what goes through the proxy is
# TLS from end to end.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
T1=2026-12-01T10:00:00Z

seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com"}]'
sandbox
practice test .
export PNOW_CONFIG=$DIR/test.json
event patient.created one $T1 '{patient: $ana}' | crm-map >"$DIR/one"

# A server that is no proxy: what is asked of it as one fails, and with a message of its own.
pnow-sandbox -p "$DIR/proxy.port" >/dev/null &
started+=($!)
proxy=http://127.0.0.1:$(port_in "$DIR/proxy.port")

# behind COMMAND…: it as where everything has to go through a proxy.
behind()
{
	env -u no_proxy -u NO_PROXY http_proxy="$proxy" HTTP_PROXY="$proxy" https_proxy="$proxy" HTTPS_PROXY="$proxy" \
		all_proxy="$proxy" ALL_PROXY="$proxy" "$@"
}

for host in 127.0.0.1 localhost; do
	practice test ".crm.base_url |= sub(\"127.0.0.1\"; \"$host\") | .patientnow.base_url |= sub(\"127.0.0.1\"; \"$host\")"
	rm -f "$DIR"/test.db*
	is "http://$host, the CRM: not by the proxy" "$(behind crm-push <"$DIR/one" | jq -r '.status, .error.message // empty')" 'done'
	is "http://$host, PatientNow: not by the proxy" \
		"$(behind pnow-fetch patient 10234 2>&1 | jq -r '.patientId // .error.message')" 10234
done

# ask NAME BASE-URL: what crm-push says of a CRM that is there, in $DIR/NAME.error.
ask()
{
	jq --arg url "$2" --arg state "$1.db" '.crm.base_url = $url | .state = $state' "$DIR/test.json" >"$DIR/$1.json"
	behind crm-push -c "$DIR/$1.json" <"$DIR/one" | jq -r .error.message >"$DIR/$1.error"
}
nobody=$(free_port)
ask far https://crm.invalid &
running=($!)
for host in 127.0.0.1 localhost '[::1]'; do
	ask "$host" "https://$host:$nobody" &
	running+=($!)
done
wait "${running[@]}"
like 'https:// to another machine: by the proxy, whose answer it is that fails' "$(<"$DIR/far.error")" \
	'GET *: Failure when receiving data from the peer'
for host in 127.0.0.1 localhost '[::1]'; do
	like "https://$host: not by the proxy" "$(<"$DIR/$host.error")" "GET *: Could* connect to server"
done
finish
