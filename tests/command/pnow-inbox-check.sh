#!/usr/bin/env bash
# What pnow-inbox(1) promises of check: it says nothing where all is well, else what, since when and what to type next; and the
# examples for cron and systemd have people hear of it.
# shellcheck disable=SC2154 # from tap.sh: work, root, bin
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/command/inbox.bash
. "$root/tests/command/inbox.bash"
export PNOW_CONFIG=glow.json
always=(-o 'Sun-Sat,0-24') # the practice is open

# fresh: an empty inbox.
fresh()
{
	state_remove glow.db
	printf '{"practice":"glow","timezone":"America/Denver","pipelines":"non-surgical","state":"%s/glow.db","retry_seconds":[7200],
		"patientnow":{"practice_id":"1"}}\n' "$work" >glow.json
	on_engine glow.json
}

# ago MS [CONDITION]: the events, or some, are so much older.
ago()
{
	state_sql glow.db "UPDATE inbox SET received=received-$1, settled=settled-$1 WHERE ${2:-1=1}"
}

# check ARGUMENT...: what it says, without its times, and its status.
check()
{
	pnow-inbox check "$@" >said 2>err
	status=$?
	said=$(sed -E 's/since [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5,8}/since -/' said)
}

refused='{status: "failed", error: {stage: "crm-push", code: "refused", message: "POST /contacts/upsert: 401: the CRM does not accept
	the token", retry: true}}'
refused=${refused//$'\n\t'/ }
conf="-c $work/glow.json"

# ---- Nothing to say

fresh
put a b
settle '{a: {status: "done"}, b: {status: "skipped", reason: "no contact is known for this patient"}}'
put c
check "${always[@]}"
is 'where all is well it says nothing, status 0' "$status$said$(<err)" 0

# ---- Each finding

settle '{c: {status: "failed", error: {stage: "crm-push", code: "rejected", message: "POST /contacts/upsert: 422", retry: false}}}'
check "${always[@]}"
is 'an event that is dead, why, and how to see more' "$status $said" \
	"1 glow: dead since -: 1 event: crm-push: rejected: POST /contacts/upsert: 422; type: pnow-inbox $conf trace c"
holds 'the command of a finding can be typed as it stands' bash -c "${said##*type: }"
put d
settle '{d: {status: "failed", error: {stage: "crm-push", code: "rejected", message: "POST /contacts/upsert: 422", retry: false}}}'
check "${always[@]}"
is 'those that died of one cause are one finding' "$status $said" \
	"1 glow: dead since -: 2 events: crm-push: rejected: POST /contacts/upsert: 422; type: pnow-inbox $conf list -s dead"
like 'since when is in the time of the practice' "$(<said)" "glow: dead since $(TZ=America/Denver date +%Y-%m-%d) *"

fresh
put '-a;touch oops'
settle '{"-a;touch oops": {status: "failed", error: {stage: "crm-push", code: "rejected", message: "a\nb\u001b[2J", retry: false}}}'
check "${always[@]}"
is 'what others wrote is in one line' "$status $said" \
	"1 glow: dead since -: 1 event: crm-push: rejected: a?b?[2J; type: pnow-inbox $conf trace -- '-a;touch oops'"
holds 'and a word for the shell, no option' bash -c "${said##*type: }"

fresh
put a b
settle '{a: {status: "failed", error: {stage: "pnow-enrich", code: "unavailable", message: "GET /patients/pa: 503", retry: true}}}'
check "${always[@]}"
is 'an event that waits need not be told at once' "$status$said" 0
ago 3700000
check "${always[@]}"
is 'events that wait for more than an hour, by what was said of them last' "$status $said" \
	"1 glow: waiting since -: 1 event: pnow-enrich: unavailable: GET /patients/pa: 503; type: pnow-inbox $conf trace a"
check "${always[@]}" -w 2h
is 'or for more than asked for' "$status$said" 0
put c
pnow-inbox add <<<'{"id":"c2","type":"patient.updated","practice":"glow","payload":{},"patient":{"id":"pc"}}' >added
ago 3700000 "id LIKE 'c%'"
check "${always[@]}"
is 'one that nobody takes; what waits behind it is not told of' "$(grep -v ' trace ' <<<"$said")" \
	"glow: waiting since -: 1 event: no pipeline takes it: is a pnow-inbox run at work?; type: pnow-inbox $conf run -1 -- pnow-sync"
pnow-inbox retry a b >retried
check "${always[@]}"
is 'one that is tried again by hand waits anew' "$(grep -c ' trace ' <<<"$said")" 0

fresh
put a
settle '{a: {status: "done", calls: 3}}'
put b c
settle "{b: $refused, c: $refused}"
check "${always[@]}"
is 'a token that is refused, at once' "$status $said" \
	"1 glow: token refused since -: 2 events: crm-push: refused: POST /contacts/upsert: 401: the CRM does not accept the token; type: crm-setup $conf"
put d
settle '{d: {status: "done", calls: 3}}'
check "${always[@]}"
is 'it is over when an event comes through' "$status$said" 0
state_sql glow.db "UPDATE attempt SET at=at-86500000"
check "${always[@]}"
is 'also when that was days ago' "$status$said" 0

fresh
put a
settle '{a: {status: "done"}}'
state_sql glow.db "INSERT INTO outage VALUES('PatientNow','0',(SELECT received FROM inbox),0)"
check "${always[@]}"
is 'or when no event has met that' "$status $said" \
	"1 glow: token refused since -: PatientNow does not accept it: what needs it waits; type: crm-setup $conf"

fresh
put a b c
settle '{a: {status: "done", warnings: ["the contact is also that of patient 10234: both share an e-mail or phone", "of the sheet"]},
	b: {status: "done", warnings: ["the contact is also that of patient 10235: both share an e-mail or phone"]},
	c: {status: "done", uncategorized: "Breast Cons"}}'
check "${always[@]}" -i 'of the sheet'
is 'each kind of warning once, and each type that the sheet lacks' "$status $(sed 's/10234/10235/; s/trace a/trace b/' <<<"$said")" \
	"1 glow: type missing since -: 1 event: \"Breast Cons\" is not in the sheet of appointment types: no opportunity moves; type: pnow-fetch $conf appointment-types | categorize $conf -s
glow: warning since -: 2 events: the contact is also that of patient 10235: both share an e-mail or phone; type: pnow-inbox $conf trace b"
check "${always[@]}" -i 'both share' -i 'Breast Cons' -i sheet
is 'warnings that are known are none' "$status$said" 0
pnow-inbox retry c >retried
settle '{c: {status: "done", warnings: ["of the sheet"]}}'
check "${always[@]}" -i 'both share'
like 'what an event warned of before it was tried again is none, what it warns of now is' "$status $said" \
	'1 glow: warning since -: 2 events: of the sheet; *'
state_sql glow.db 'UPDATE attempt SET at=at-86500000'
check "${always[@]}"
is 'nor are those of yesterday' "$status$said" 0

clear_of_midnight
state_calls_set glow.db 960
check "${always[@]}"
like "PatientNow's calls run short" "$status $said" \
	"1 glow: calls run short since -: 40 of PatientNow's 1000 are left until midnight (UTC), 40 of them for people; some * lookups are expected, and what needs one waits until then; type: pnow-inbox $conf stat"
state_calls_set glow.db 0
for limits in 'daily_limit: 0' 'daily_limit: 1, reserve: 1'; do
	jq ".patientnow += {$limits}" glow.json >short.json
	PNOW_CONFIG=short.json check "${always[@]}"
	like "and are short from the day's beginning with $limits" "$status $said" '1 glow: calls run short *, and what needs one waits until then; *'
done

# ---- Silence

fresh
check
is 'where no event ever came, that is told' "$status $said" \
	"1 glow: no event: none ever came: does pnow-hook get webhooks? This brings in appointments that were missed; type: pnow-fetch $conf -i -l appointment -e appointment -s 1d"
put a
settle '{a: {status: "done"}}'
ago $((3 * 86400000))
yesterday=$(TZ=America/Denver date -d '24 hours ago' +%a) tomorrow=$(TZ=America/Denver date -d '24 hours' +%a)
check -e 10h -b 0 -o "$yesterday-$yesterday,8-18"
is 'no event since so many hours of the days when the practice is open' "$status $said" \
	"1 glow: no event since -: the practice was open for 10 h of that time: does pnow-hook get webhooks? This brings in appointments that were missed; type: pnow-fetch $conf -i -l appointment -e appointment -s 4d"
check -e 11h -b 0 -o "$yesterday-$yesterday,8-18"
is 'hours when it is closed do not count' "$status$said" 0
check -e 0 -b 0
is 'silence is not told where it is not asked for' "$status$said" 0
ago $((4 * 86400000))
check -e 60h -b 0 -o "$tomorrow-$yesterday,8-18"
is 'the week may end within the days that are open' "$status $(grep -o 'open for .* h' said)" '1 open for 60 h'

# ---- Backup

check -e 0
is 'no backup, of a practice that is not new' "$status $said" \
	"1 glow: no backup since -: none was ever made, and the first event came then; type: pnow-inbox $conf dump -o glow.dump"
bash -c "${said##*type: }"
check -e 0
is 'the command that it says makes one' "$status$said" 0
state_sql glow.db "UPDATE moment SET at=at-3*86400000"
check -e 0
is 'the last one is too old' "$status $said" \
	"1 glow: no backup since -: the last one was made then; type: pnow-inbox $conf dump -o glow.dump"
check -e 0 -b 4d
is 'or is not' "$status$said" 0

# ---- Disk

if about_files 'a disk that is almost full'; then
	ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$bin/../tests/faults.so PNOW_FAULTS_FREE=3 check -e 0 -b 0
	is 'a disk that is almost full' "$status $said" \
		"1 glow: disk: 3 MiB are free beside the state file: make room, or what comes in finds no place and its sender is told to come again; \
this forgets old bodies; type: pnow-inbox $conf purge -o 30d"
fi

# ---- Forms

check -e 0 -j
is 'as NDJSON' "$status $(jq -c '[.practice, .finding, (.since | length), .detail, .command]' said)" \
	"1 [\"glow\",\"no backup\",24,\"the last one was made then\",\"pnow-inbox $conf dump -o glow.dump\"]"
for wrong in '-w 4' '-o Mon-Fri' '-o Mon-Fri,18-8' '-o Mon-Fru,8-18' '-o Mon-Fri,8-25' '-o Mon-Fri,8-18h' '-e -1h'; do
	# shellcheck disable=SC2086
	check $wrong
	like "$wrong is wrong usage" "$status $(<err)" "64 pnow-inbox: $wrong: expected *"
done
if about_files 'of what cannot be read that is said, and nothing else'; then
	state_sql glow.db 'DROP TABLE moment'
	check -e 0
	like 'of what cannot be read that is said, and nothing else' "$status$said $(<err)" "75 *pnow-inbox: not all of the state file $work/glow.db can be read now"
	state_sql glow.db 'DROP TABLE inbox'
	check
	is 'nor that no event ever came' "$status$said" 75
fi
mkdir -p "an odd's folder" && cp glow.json "an odd's folder"
state_remove glow.db
PNOW_CONFIG="an odd's folder/glow.json" check
holds 'a name that a shell would take apart is quoted' bash -c "${said##*type: } -V"

# ---- A folder, cron and systemd

mkdir conf
cp glow.json conf/glow.json
sed 's/"glow"/"bloom"/; s/glow.db/bloom.db/' glow.json >conf/bloom.json
cp conf/bloom.json conf/bloom2.json
unset PNOW_CONFIG
pnow-inbox -C conf check >said 2>err
is 'a folder: each finding names its practice, and its configuration' "$? $(sed -E 's/: .* -c /: /; s/ -i .*//' said)" \
	"78 bloom: $work/conf/bloom.json
glow: $work/conf/glow.json"
like 'and a practice that is broken is told of' "$(<err)" 'pnow-inbox: conf/bloom2.json: practice: *'
rm conf/bloom2.json

crontab=$root/examples/cron/pnow-monitor.crontab
sh -c "$(sed -nE 's#^([^ ]+ ){5} *(.* check)$#\2#p' "$crontab" | sed "s#/etc/pnow#$work/conf#")" >mail 2>&1
is "the crontab's line runs, and has something to mail" "$? $(cut -d: -f1,2 mail)" $'1 bloom: no event\nglow: no event'
mkdir dumps
sh -c "$(sed -nE 's#^([^ ]+ ){5} *(.* dump .*)$#\2#p' "$crontab" | sed "s#/etc/pnow#$work/conf#; s#/var/backups/pnow#dumps#")" >mail 2>&1
is "its line for a backup makes one of each practice" "$? $(<mail) $(cd dumps && echo *)" '0  bloom.ndjson glow.ndjson'

# exec_start UNIT: its command, as a shell takes it, with the folder of the test.
exec_start()
{
	sed -n 's/^ExecStart=//p' "$root/examples/systemd/$1" | sed "s#/usr/local/bin/#$bin/#; s#/etc/pnow#$work/conf#; s#/var/backups/pnow#dumps#; s#/usr/sbin/sendmail#./sendmail#
		s/%H/example/g; s/%i/pnow-check.service/g; s/\\$\\$/$/g"
}
bash -c "$(exec_start pnow-check.service)" >journal 2>&1
is "systemd's unit fails where something is wrong" "$?" 1
rm dumps/*
bash -c "$(exec_start pnow-dump.service)" >journal.dump 2>&1
is "and so does systemd's unit" "$? $(cd dumps && echo *)" '0 bloom.ndjson glow.ndjson'
cat >sendmail <<'END'
#!/bin/sh
[ "$*" = -t ] && cat >mail
END
cat >journalctl <<'END'
#!/bin/sh
[ "$*" = '-o cat -n 100 -u pnow-check.service _SYSTEMD_INVOCATION_ID=0123' ] && cat journal
END
chmod +x sendmail journalctl
like 'and names the unit that mails' "$(<"$root/examples/systemd/pnow-check.service")" "*"$'\nOnFailure=pnow-tell@%n.service\n'"*"
MONITOR_INVOCATION_ID=0123 PATH=.:$PATH bash -c "$(exec_start pnow-tell@.service)"
is 'which has what the unit said this time' "$(<mail)" "To: root
Subject: example: pnow-check.service has failed

$(<journal)"
if command -v systemd-analyze >/dev/null; then
	units=(pnow-check.service pnow-check.timer pnow-tell@.service)
	for unit in "${units[@]}"; do
		sed "s#/usr/local/bin/pnow-[a-z]*\|/usr/sbin/sendmail#$(command -v true)#; s/^User=pnow/User=root/" "$root/examples/systemd/$unit" >"$unit"
	done
	is 'systemd finds nothing wrong with the units' "$(systemd-analyze --man=no verify "${units[@]/#/./}" 2>&1)" ''
else
	skip 'systemd finds nothing wrong with the units' 'no systemd-analyze here'
fi

finish
