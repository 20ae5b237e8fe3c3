#!/usr/bin/env bash
# pnow-operations(7), Failover: a standby takes over that did not have the last commits. After lost.sql, and with everything that
# happened meanwhile told again, the CRM holds nothing twice and lacks nothing; what nobody can know is told. The
# configuration names both servers, and stays as it is.
# shellcheck disable=SC2016,SC2154 # until_true eval; from tap.sh
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=tests/postgres.bash
. "$root/tests/postgres.bash"
on_sqlite || { printf '1..0 # SKIP it has servers of its own\n'; exit; }
programs=$(postgres_programs) && programs=$(dirname "$(realpath "$programs/postgres")") || { printf '1..0 # SKIP no PostgreSQL here\n'; exit; }
as=()
[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)

# Two servers: the first one is a cluster as any test's, the second follows it.
export PNOW_POSTGRES=$work/.cluster PNOW_POSTGRES_OWNER=$$ XDG_RUNTIME_DIR=$work POSTGRES_SETTINGS='
	wal_level = replica
	max_wal_senders = 4'
(postgres_start) || { printf 'Bail out! PostgreSQL does not start\n'; exit 1; }
CLUSTER=$(<"$PNOW_POSTGRES") own_cluster=yes # ends with the test
second=$CLUSTER/second
"${as[@]}" mkdir "$second"
first_sql()
{
	postgres_psql "$CLUSTER" "${1:-pnow}"
}
second_sql()
{
	postgres_psql "$second" pnow
}
# second_server ARGUMENT…: has pg_ctl do it.
second_server()
{
	(cd / && exec "${as[@]}" "$programs/pg_ctl" -s -w -D "$second/data" -l "$second/log" -o "-k $second" "$@")
}

# shellcheck disable=SC2329 # called by the trap
end_all()
{
	[ "$BASHPID" = $$ ] || return
	second_server -m immediate stop
	tidy_all
}
trap end_all EXIT

first_sql postgres <<<'CREATE ROLE pnow LOGIN; CREATE DATABASE pnow OWNER pnow;'
(cd / && "${as[@]}" pg_basebackup -h "$CLUSTER" -U postgres -D "$second/data" -R -c fast) || exit
second_server start

seed .
sandbox
practice test '.retry_seconds = [0] | .state = "'"postgresql://pnow@/pnow?host=$CLUSTER,$second&target_session_attrs=read-write"'"'
export PNOW_CONFIG=$DIR/test.json

ago() # MINUTES
{
	date -u -d "-$1 min" +%FT%TZ
}
carry_out()
{
	pnow-inbox add >"$DIR/added" && timeout 300 pnow-inbox run -1 -- pnow-sync 2>>"$DIR/run.err"
}
held()
{
	contacts | jq -c '.[0] | [(.notes | length), .fields["Patient Lifetime Value"], (.opportunities | length)]'
}
enrolments()
{
	requests 'select(.method == "POST" and (.path | test("/workflow/")))' | wc -l
}

{
	event patient.created m1 "$(ago 240)" '{patient: $ana}'
	event bill.completed m2 "$(ago 220)" '{patient: $ana} + bill("991"; "450.00")'
} | carry_out
until_true eval '[ "$(second_sql <<<"SELECT count(*) FROM pnow_rows.attempt")" = 2 ]'

# ---- The second server falls behind, and the first one dies

second_server -m fast stop
since=$(date -u +'%F %T.%3N+00')
{
	event appointment.booked a1 "$(ago 130)" '{patient: $ana} + visit("88123"; "booked")'
	event bill.completed a2 "$(ago 120)" '{patient: $ana} + bill("992"; "30.00")'
	event bill.completed a3 "$(ago 110)" '{patient: $ana} + bill("991"; "460.50")'
} >"$DIR/afternoon"
carry_out <"$DIR/afternoon"
before=$(enrolments) was=$(held)
: >"$CLUSTER/down"
kill -QUIT "$(<"$CLUSTER/server")"
until_true eval '! kill -0 "$(<"$CLUSTER/server")" 2>"$DIR/gone"'
like 'while there is none, it is told of both servers' "$(pnow-inbox stat 2>&1; echo $?)" "*$CLUSTER/.s.*$second/.s.*69"
second_server start
second_sql <<<'SELECT pg_promote()' >"$DIR/promoted"
is 'the other server is found, and does not know the afternoon' "$(pnow-inbox stat -j | jq .done)" 2
PGOPTIONS='-c search_path=pnow' psql -h "$second" -U pnow -d pnow -XqAt -v since="$since" -f "$root/examples/postgresql/lost.sql" >"$DIR/lost" 2>&1
is 'lost.sql is carried out' "$? $(<"$DIR/lost")" '0 '
second_sql <<<'UPDATE pnow_rows.moment SET at = at - 60000' # what another host may have begun has ended

# ---- PatientNow tells all of it again

carry_out <"$DIR/afternoon"
is 'everything is settled' "$(pnow-inbox stat -j | jq -c '[.done, .unchanged, .dead]')" '[5,null,null]'
is 'the CRM holds what it held: each note once, each bill in the lifetime value once' "$(held)" "$was"
is 'nobody is enrolled again, and it is told of each event that may have enrolled somebody' \
	"$(($(enrolments) - before)) $(for id in a1 a2 a3; do pnow-inbox trace $id | grep -c 'was enrolled'; done | xargs)" '0 1 1 0'
event bill.completed e1 "$(date -u +%FT%T.%3NZ)" '{patient: $ana} + bill("993"; "1.00") | del(.received)' | carry_out
is 'what comes later is carried out as ever' "$(held | jq -r '.[1]') $(($(enrolments) - before > 0))" '491.50 1'
finish
