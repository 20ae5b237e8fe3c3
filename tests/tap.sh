# What a test in shell needs to speak TAP: source it from tests/command/NAME.sh. It makes a scratch folder, $work, and goes
# there; whatever the test started with start() is ended and the folder removed when the test ends.
# shellcheck shell=bash
set -u
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$(cd "${PNOW_BIN:-$root/.build/release/bin}" && pwd) || exit 1
PATH=$bin:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/pnow-test.XXXXXX") || exit 1
cd "$work" || exit 1
number=0 failures=0 started=()
# What is set up for the one who runs the tests is not theirs: a proxy, .curlrc, .sqliterc, a language.
export HOME=$work no_proxy='*' NO_PROXY='*'
unset PNOW_CONFIG XDG_CONFIG_HOME LANGUAGE
# shellcheck source=tests/state.bash
. "$root/tests/state.bash"

# shellcheck disable=SC2317 # called by the trap
tidy()
{
	[ "$BASHPID" = $$ ] || return # a child that is killed before it has become its program
	for process in "${started[@]}"; do
		kill -KILL "$process" 2>/dev/null
	done
	wait 2>/dev/null
	[ -z "${CLUSTER:-}" ] || state_end
	rm -rf "$work"
}
trap tidy EXIT
on_sqlite || state_begin

# pass PROMISE, fail PROMISE [WHAT WAS]: one test's line.
pass()
{
	number=$((number + 1))
	printf 'ok %d - %s%s\n' "$number" "$on" "$1"
}

fail()
{
	number=$((number + 1)) failures=$((failures + 1))
	printf 'not ok %d - %s%s\n' "$number" "$on" "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | cut -c1-1000 | sed 's/^/#  /'
}

skip()
{
	number=$((number + 1))
	printf 'ok %d - %s%s # SKIP %s\n' "$number" "$on" "$1" "$2"
}

# is PROMISE GOT WANT: the same text.
is()
{
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" " got: $2" "want: $3"; fi
}

# like PROMISE GOT PATTERN: the text fits a shell pattern.
like()
{
	# shellcheck disable=SC2053 # a pattern is wanted
	if [[ $2 == $3 ]]; then pass "$1"; else fail "$1" " got: $2" "want: $3"; fi
}

# holds PROMISE COMMAND...: it succeeds.
holds()
{
	local promise=$1 said
	shift
	if said=$("$@" 2>&1); then pass "$promise"; else fail "$promise" "$* failed" "$said"; fi
}

# The plan; the test's last command.
finish()
{
	printf '1..%d\n' "$number"
	[ "$failures" -eq 0 ]
}

# until_true COMMAND...: tries it until it succeeds, for a minute or more; what it says is not shown.
until_true()
{
	local i silent
	exec {silent}<>/dev/udp/127.0.0.1/9 # nothing comes there: to wait for that takes no process, as sleep(1) does
	for ((i = 0; i < 3000; i++)); do
		! "$@" &>/dev/null || break
		read -rt 0.02 <&"$silent"
	done
	exec {silent}>&-
	[ "$i" -lt 3000 ]
}

# Waits until a file has something in it.
await()
{
	until_true test -s "$1"
}

# Whether a process has ended; its parent need not have noticed.
gone()
{
	case $(ps -o stat= -p "$1") in
	'' | Z*) return 0 ;;
	*) return 1 ;;
	esac
}

# A port that nobody listens at, for a server that cannot take port 0. It is none of those that the system gives away by itself
# (from 32768 on with Linux), so it stays free.
free_port()
{
	local port
	until
		port=$((10000 + RANDOM % 20000))
		! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
	do :; done
	printf '%s\n' "$port"
}

# For what is counted by the day: waits, half a minute at most, until none (UTC) is about to begin.
clear_of_midnight()
{
	while [ $(($(date +%s) % 86400)) -ge 86370 ]; do
		sleep 1
	done
}

# Whether the programs are built with sanitizers: those need memory and time that are not the program's.
sanitized()
{
	grep -q __asan_init "$bin/crm-map"
}

# clock SPEED: under gets what a command is put behind to have a clock of that speed, a little ahead of ours. False where there is
# none; then it gets nothing. Unlike faketime(1) it stays one process.
clock()
{
	local faketime
	faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
	under=()
	if sanitized || [ -z "$faketime" ]; then return 1; fi
	# shellcheck disable=SC2034 # for the test
	under=(env "LD_PRELOAD=$faketime" "FAKETIME=+100 x$1")
}

# The secret files that configurations of tests name, mode 0600, in the folder given: what the sandbox's seed takes.
make_secrets()
{
	(
		umask 077
		printf 'sandbox-pnp-token\n' >"$1/pnp.token"
		printf 'sandbox-crm-token\n' >"$1/crm.token"
		printf 'sandbox-password\n' >"$1/pne.password"
		printf 'sandbox-apikey\n' >"$1/pne.apikey"
	)
}
