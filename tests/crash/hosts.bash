# shellcheck shell=bash disable=SC2034,SC2154 # tap.sh and common.bash set some, crash.sh reads others
# ENGINE=postgresql: hosts over one database, each with a hook and a run, in a folder of its own. As root each has a link of its own
# to the server, whose network is its own: a host can be cut off, and nothing says so to either end. Who is not root has it frozen
# instead. Sourced by crash.sh before common.bash, since the server is started there.
HOSTS=${HOSTS:-3}
CUT_SECONDS=${CUT_SECONDS:-30} # for how long a host is cut off
DISTURB_SECONDS=${DISTURB_SECONDS:-7} # between two disturbances
LIMIT=${LIMIT:-100/1000} # of the CRM, for all hosts together
DISTURBANCES=(backends server cut host backends down)
unset PNOW_POSTGRES # other tests would not like what is done to it

# hosts_network: the server's network and the links to it; SUBNET is the beginning of their addresses.
hosts_network()
{
	local h
	SUBNET=198.18.$((RANDOM % 256))
	[ "$(id -u)" -eq 0 ] && ip netns add "pnow$$" 2>/dev/null || return
	for ((h = 0; h < HOSTS; h++)); do
		ip link add "pn$$-$h" type veth peer name "host$h" netns "pnow$$" &&
			ip addr add "$SUBNET.$((4 * h + 1))/30" dev "pn$$-$h" && ip link set "pn$$-$h" up &&
			ip -n "pnow$$" addr add "$SUBNET.$((4 * h + 2))/30" dev "host$h" && ip -n "pnow$$" link set "host$h" up || return
	done
	export POSTGRES_NETWORK=pnow$$ POSTGRES_SETTINGS="listen_addresses = '*'" POSTGRES_HBA='host all all 198.18.0.0/15 trust'
}

# hosts_start: each host's hook and run; URL has the addresses of all hooks.
hosts_start()
{
	local h port folder
	URL=''
	for ((h = 0; h < HOSTS; h++)); do
		folder=$DIR/host$h
		mkdir -p "$folder/run"
		jq --arg at "$SUBNET.$((4 * h + 2))" --arg network "${POSTGRES_NETWORK:-}" --arg categories "$DIR/glow-denver.categories.csv" '
			if $network == "" then . else .state |= sub("@/(?<name>[^?]*).*"; "@\($at)/\(.name)") end | .categories = $categories' \
			"$PNOW_CONFIG" >"$folder/glow-denver.json"
		port=$(free_port)
		URL+=${URL:+,}http://127.0.0.1:$port/hook/glow-denver/patientnow
		PNOW_CONFIG=$folder/glow-denver.json XDG_RUNTIME_DIR=$folder/run HOST=$h keep pnow-hook -l "127.0.0.1:$port"
		PNOW_CONFIG=$folder/glow-denver.json XDG_RUNTIME_DIR=$folder/run HOST=$h keep pnow-inbox run -- pnow-sync
	done
}

# host_signal HOST SIGNAL: to all of its processes.
host_signal()
{
	local file name host comm
	for file in "$DIR"/pids/*; do
		name=${file##*/}
		read -r host <"$file" && read -r comm <"/proc/${name##*.}/comm" && [ "$host $comm" = "$1 ${name%.*}" ] && kill "-$2" "${name##*.}"
	done
}

# host_cut HOST, host_join HOST
host_cut()
{
	if [ -n "${POSTGRES_NETWORK:-}" ]; then ip -n "$POSTGRES_NETWORK" link set "host$1" down; else host_signal "$1" STOP; fi
}
host_join()
{
	if [ -n "${POSTGRES_NETWORK:-}" ]; then ip -n "$POSTGRES_NETWORK" link set "host$1" up; else host_signal "$1" CONT; fi
}

# disturb: what happens to the database, and to whole hosts, again and again, each once at least, until $DIR/calm is there; a line
# for each is in $DIR/disturbed.
disturb()
{
	local n what host=0
	for ((n = 0; n < ${#DISTURBANCES[@]} || $([ -e "$DIR/calm" ]; echo $?); n++)); do
		what=${DISTURBANCES[n % ${#DISTURBANCES[@]}]}
		case $what in
		backends) postgres_psql "$CLUSTER" postgres <<<"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='pnow'" ;;
		server) kill -QUIT "$(<"$CLUSTER/server")" ;;
		down)
			: >"$CLUSTER/down"
			kill -QUIT "$(<"$CLUSTER/server")"
			sleep 3
			rm "$CLUSTER/down"
			;;
		host) host_signal $((RANDOM % HOSTS)) KILL ;;
		cut)
			host_cut $host
			sleep "$CUT_SECONDS"
			host_join $host
			host=$(((host + 1) % HOSTS))
			;;
		esac &>>"$DIR/disturb.out"
		printf '%s\n' "$what" >>"$DIR/disturbed"
		sleep "$DISTURB_SECONDS"
	done
}

# over: the requests that the CRM refused because they were too many.
over()
{
	curl -sS "$API/_/requests" >"$DIR/requests"
	jq -r 'select(.api == "crm" and .status == 429 and .fault != "429") | "\(.at) \(.method) \(.path)"' "$DIR/requests"
}

# shellcheck source=tests/postgres.bash
. "$(dirname "${BASH_SOURCE[0]}")/../postgres.bash"
! postgres_programs >"/dev/null" || hosts_network
