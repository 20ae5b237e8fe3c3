#!/usr/bin/env bash
# The test runner itself: what it must never take for a pass. It reports for all other tests, so its promises are kept here.
# shellcheck disable=SC2154 # from tap.sh: root, work
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
mkdir unit command

# Reports one test: the name, then a command that is to succeed.
check()
{
	if "${@:2}"; then pass "$1"; else fail "$1" "$(<shown)"; fi
}

# Writes a test script from stdin and runs it; what the runner prints is in shown, its exit status in $status.
run()
{
	cat >"$work/$1"
	"$root/tests/run" "$work/$1" >shown 2>&1
	status=$?
}

shows()
{
	grep -q -e "$1" shown
}

ends_with()
{
	[ "$(tail -n 1 shown)" = "$1" ]
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

for seconds in 1 5 25; do # until it has come as far as it should within them
	TEST_TIMEOUT=$seconds run unit/hang.sh <<T
echo "ok 1 - one"
sleep 1000 &
echo \$! >"$work/child"
wait
T
	[ ! -s child ] || break
done
check "a test that hangs is ended" failed_with "1 passed, 1 failed"
check "and says so" shows "longer than $seconds s"
check "with all that it started" until_true gone "$(cat child)"

run unit/stray.sh <<T
sleep 1000 &
echo \$! >"$work/child"
printf 'ok 1 - one\n1..1\n'
T
check "a test that leaves something running passes" passed_with "1 passed, 0 failed"
check "but it is not left running" until_true gone "$(cat child)"

run unit/input.sh <<'T'
cat
printf 'ok 1 - one\n1..1\n'
T
check "a test has no standard input" passed_with "1 passed, 0 failed"

"$root/tests/run" "$work/unit/nowhere" >shown 2>&1
status=$?
check "a missing file is a failure" failed_with "0 passed, 1 failed"

cat >"$work/unit/program" <<'T'
#!/bin/sh
echo "ok 1 - $PNOW_BIN"
echo "1..1"
[ "$PNOW_BIN" = here ]
T
chmod +x "$work/unit/program"
PNOW_BIN=here "$root/tests/run" "$work/unit/program" >shown 2>&1
status=$?
check "programs run too, with the environment as it came" passed_with "1 passed, 0 failed"

cp "$work/unit/bad.sh" "$work/command/bad.sh"
"$root/tests/run" "$work/unit/good.sh" "$work/command/bad.sh" "$work/unit/skip.sh" >shown 2>&1
status=$?
check "many files have one sum" failed_with "5 passed, 1 failed, 1 skipped"
check "with a line for each folder" shows '^unit  *2 files  3 passed, 0 failed, 1 skipped$'
check "also for the one that failed" shows '^command  *1 files  2 passed, 1 failed$'

# A test that passes once the other of the two has begun, too.
meets()
{
	cat >"$work/unit/$1.sh" <<T
. "$root/tests/tap.sh"
: >"$work/$1.began"
holds 'the other has begun' until_true test -e "$work/$2.began"
: >"$work/$1.ended"
finish
T
}

meets first second
meets second first
TEST_JOBS=2 "$root/tests/run" "$work/unit/first.sh" "$work/unit/second.sh" >shown 2>&1
status=$?
check "files run side by side" passed_with "2 passed, 0 failed"

cat >"$work/unit/after.sh" <<T
if [ -e "$work/second.ended" ]; then echo 'ok 1 - it has ended'; else echo 'not ok 1 - it has ended'; fi
echo 1..1
T
rm second.ended
TEST_JOBS=1 "$root/tests/run" "$work/unit/second.sh" "$work/unit/after.sh" >shown 2>&1
status=$?
check "or one after another, in their order" passed_with "2 passed, 0 failed"

TEST_JOBS=0 "$root/tests/run" "$work/unit/good.sh" >shown 2>&1
check "no job at all is a mistake" test $? -eq 64
check "that is told" shows 'TEST_JOBS is "0", expected 1 to 99'

for name in one other; do
	printf 'echo $$ >"%s.pid"\nsleep 1000\n' "$work/$name" >"$work/unit/$name.sh"
done
TEST_JOBS=2 "$root/tests/run" "$work/unit/one.sh" "$work/unit/other.sh" >shown 2>&1 &
runner=$!
await one.pid && await other.pid
kill -TERM "$runner"
wait "$runner"
check "a runner that is stopped stops its tests" test $? -eq 143
check "all of them" eval 'until_true gone "$(<one.pid)" && until_true gone "$(<other.pid)"'

"$root/tests/run" >shown 2>&1
check "no file at all is a mistake" test $? -eq 64

finish
