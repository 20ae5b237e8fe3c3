#!/usr/bin/env bash
# The test runner itself: what it must never take for a pass. It reports for all other tests, so its promises are kept here.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pnow-runner.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/unit" "$scratch/command"
number=0

# Reports one test: the name, then a command that is to succeed.
check()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		printf 'ok %d - %s\n' "$number" "$name"
	else
		printf 'not ok %d - %s\n' "$number" "$name"
		sed 's/^/#  | /' "$scratch/shown"
	fi
}

# Writes a test script from stdin and runs it; what the runner prints is in $scratch/shown, its exit status in $status.
run()
{
	cat >"$scratch/$1"
	"$here/run" "$scratch/$1" >"$scratch/shown" 2>&1
	status=$?
}

shows()
{
	grep -q -e "$1" "$scratch/shown"
}

ends_with()
{
	[ "$(tail -n 1 "$scratch/shown")" = "$1" ]
}

failed_with()
{
	[ "$status" -eq 1 ] && ends_with "$1"
}

passed_with()
{
	[ "$status" -eq 0 ] && ends_with "$1"
}

run unit/good.sh <<'T'
echo "ok 1 - one"
echo "ok 2 - two"
echo "1..2"
T
check "a file that passes is counted" passed_with "2 passed, 0 failed"
check "and takes one line" shows '^ok    unit/good: 2$'

run unit/plan-first.sh <<'T'
printf '1..1\nok\n'
T
check "the plan may come first" passed_with "1 passed, 0 failed"

run unit/bad.sh <<'T'
echo "ok 1 - one"
echo "not ok 2 - two"
echo "#  got: apples"
echo "ok 3 - three"
echo "1..3"
echo "something on stderr" >&2
exit 1
T
check "a failed test is counted" failed_with "2 passed, 1 failed"
check "and named" shows 'not ok 2 - two'
check "with what it says" shows 'got: apples'
check "and what stderr says" shows 'something on stderr'
check "and the file stands as failed" shows '^FAIL  unit/bad: 1 of 3 failed$'

run unit/silent.sh <<'T'
printf 'not ok 1 - one\n1..1\n'
T
check "a failed test fails whatever the exit status" failed_with "0 passed, 1 failed"

run unit/todo.sh <<'T'
printf 'not ok 1 - one # TODO later\n1..1\n'
T
check "a TODO excuses nothing" failed_with "0 passed, 1 failed"

run unit/no-plan.sh <<'T'
echo "ok 1 - one"
T
check "a missing plan is a failure" failed_with "1 passed, 1 failed"

run unit/nothing.sh <<'T'
exit 0
T
check "a file that prints nothing has failed" failed_with "0 passed, 1 failed"

run unit/short.sh <<'T'
printf 'ok 1 - one\n1..2\n'
T
check "a test too few is a failure" failed_with "1 passed, 1 failed"
check "and says so" shows 'planned 2 tests, ran 1'

run unit/status.sh <<'T'
printf 'ok 1 - one\n1..1\n'
exit 3
T
check "an exit status without a failed test is a failure" failed_with "1 passed, 1 failed"
check "and says so" shows 'exit status 3'

run unit/crash.sh <<'T'
echo "ok 1 - one"
kill -SEGV $$
T
check "a crash is one failure" failed_with "1 passed, 1 failed"
check "and names the signal" shows 'signal 11'
check "and shows how far it came" shows '| ok 1 - one'

run unit/bail.sh <<'T'
printf 'ok 1 - one\nBail out! no disk\n1..1\n'
T
check "bailing out is a failure" failed_with "1 passed, 1 failed"

run unit/skip.sh <<'T'
echo "ok 1 - one"
echo "ok 2 - two # SKIP no such tool"
echo "1..2"
T
check "a skip is counted apart" passed_with "1 passed, 0 failed, 1 skipped"
check "and its reason shown" shows '^skip  unit/skip: no such tool$'

run unit/skip-all.sh <<'T'
echo "1..0 # SKIP not on this machine"
T
check "so is a file that skips everything" passed_with "0 passed, 0 failed, 1 skipped"
check "with its reason" shows '^skip  unit/skip-all: not on this machine$'

TEST_TIMEOUT=1 run unit/hang.sh <<T
echo "ok 1 - one"
sleep 1000 &
echo \$! >"$scratch/child"
wait
T
check "a test that hangs is ended" failed_with "1 passed, 1 failed"
check "and says so" shows 'longer than 1 s'
# Whether the child is gone, or dead and waiting for somebody to notice.
gone()
{
	case $(ps -o stat= -p "$(cat "$scratch/child")") in
	'' | Z*) return 0 ;;
	*) return 1 ;;
	esac
}
check "with all that it started" gone

run unit/stray.sh <<T
sleep 1000 &
echo \$! >"$scratch/child"
printf 'ok 1 - one\n1..1\n'
T
check "a test that leaves something running passes" passed_with "1 passed, 0 failed"
check "but it is not left running" gone

run unit/input.sh <<'T'
cat
printf 'ok 1 - one\n1..1\n'
T
check "a test has no standard input" passed_with "1 passed, 0 failed"

"$here/run" "$scratch/unit/nowhere" >"$scratch/shown" 2>&1
status=$?
check "a missing file is a failure" failed_with "0 passed, 1 failed"

cat >"$scratch/unit/program" <<'T'
#!/bin/sh
echo "ok 1 - $PNOW_BIN"
echo "1..1"
[ "$PNOW_BIN" = here ]
T
chmod +x "$scratch/unit/program"
PNOW_BIN=here "$here/run" "$scratch/unit/program" >"$scratch/shown" 2>&1
status=$?
check "programs run too, with the environment as it came" passed_with "1 passed, 0 failed"

cp "$scratch/unit/bad.sh" "$scratch/command/bad.sh"
"$here/run" "$scratch/unit/good.sh" "$scratch/command/bad.sh" "$scratch/unit/skip.sh" >"$scratch/shown" 2>&1
status=$?
check "many files have one sum" failed_with "5 passed, 1 failed, 1 skipped"
check "with a line for each folder" shows '^unit  *2 files  3 passed, 0 failed, 1 skipped$'
check "also for the one that failed" shows '^command  *1 files  2 passed, 1 failed$'

"$here/run" >"$scratch/shown" 2>&1
check "no file at all is a mistake" test $? -eq 64

echo "1..$number"
