#!/usr/bin/env bash
# What pnow-report promises: figures that are those of the results, counted by hand here; the same ones in the page, in JSON and in
# text; nothing from elsewhere, and no person. The page in a browser is pnow-report-browser.sh's.
# shellcheck disable=SC2154 # from tap.sh: root, work
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export TZ=UTC

# A week in Denver, whose Wednesday is empty, as pnow-inbox results writes it. 8 events and 10 lines: one was tried twice, and the
# first line is about the practice.
cat >week <<'END'
{"practice":"glow","configuration":"/etc/pnow/glow.json","timezone":"America/Denver","since":"2026-11-16T07:00:00.000Z","until":"2026-11-23T07:00:00.000Z","patientnow_limit":1000,"crm_limits":[{"location_id":"L","day_max":200000}],"pipelines":[{"name":"Surgical","stages":["Consult Booked","Consult Complete","Operated"],"lost":"Cancelled / No-Show"}]}
{"id":"e1","type":"appointment.booked","practice":"glow","patient_id":"p1","status":"done","calls":8,"patientnow_calls":1,"actions":[{"op":"opportunity.move","status":"done","pipeline":"Surgical","stage":"Consult Booked"}],"warnings":["the CRM has no custom field \"Reason\": left out"],"received":"2026-11-16T15:00:00.000Z","at":"2026-11-16T15:00:02.000Z","state":"done"}
{"id":"e2","type":"appointment.booked","practice":"glow","patient_id":"p2","status":"done","calls":8,"actions":[{"op":"opportunity.move","status":"done","pipeline":"Surgical","stage":"Consult Booked"}],"received":"2026-11-17T06:59:59.999Z","at":"2026-11-17T07:00:03.999Z","state":"done"}
{"id":"e3","type":"appointment.booked","practice":"glow","patient_id":"p3","status":"done","calls":4,"uncategorized":"Yoga","actions":[],"received":"2026-11-17T15:00:00.000Z","at":"2026-11-17T15:00:50.000Z","state":"done"}
{"id":"e4","type":"appointment.status","practice":"glow","patient_id":"p1","status":"failed","calls":1,"error":{"stage":"crm-push","code":"unavailable","message":"503","retry":true},"actions":[],"received":"2026-11-19T15:00:00.000Z","at":"2026-11-19T15:00:01.000Z"}
{"id":"e4","type":"appointment.status","practice":"glow","patient_id":"p1","status":"done","calls":4,"actions":[{"op":"opportunity.move","status":"done","pipeline":"Surgical","stage":"Operated"}],"received":"2026-11-19T15:00:00.000Z","at":"2026-11-19T15:01:01.000Z","state":"done"}
{"id":"e5","type":"bill.completed","practice":"glow","patient_id":"p1","status":"done","calls":6,"actions":[{"op":"ltv.add","status":"done","amount":"450.00","items":[{"name":"Botox","amount":"300.00"},{"name":"Peel <b>","amount":"100.00"}]}],"received":"2026-11-20T15:00:00.000Z","at":"2026-11-20T15:00:01.000Z","state":"done"}
{"id":"e6","type":"bill.completed","practice":"glow","patient_id":"p1","status":"done","calls":6,"actions":[{"op":"ltv.add","status":"done","amount":"-50.00"}],"received":"2026-11-20T16:00:00.000Z","at":"2026-11-20T16:00:01.000Z","state":"done"}
{"id":"e7","type":"patient.updated","practice":"glow","patient_id":"10234","status":"failed","error":{"stage":"pnow-enrich","code":"not_found","message":"patient 10234: 404","retry":false},"received":"2026-11-22T15:00:00.000Z","at":"2026-11-22T15:00:01.000Z","state":"dead"}
{"id":"e8","type":"patient.updated","practice":"glow","patient_id":"10235","status":"failed","error":{"stage":"pnow-enrich","code":"not_found","message":"patient 10235: 404","retry":false},"received":"2026-11-22T15:00:00.000Z","at":"2026-11-22T15:00:01.000Z","state":"dead"}
{"id":"e9","type":"patient.created","practice":"glow","patient_id":"p9","received":"2026-11-22T16:00:00.000Z","state":"waiting"}
END
pnow-report <week >page 2>said
is 'a page is made, without a word' "$? $(cat said) $(head -c 15 page)" '0  <!DOCTYPE html>'
pnow-report -j <week >json
pnow-report -t <week >text

figure() # PROMISE FILTER WANT: of the JSON
{
	is "$1" "$(jq -c "$2" json)" "$3"
}
figure 'each event counts once, as what it is now' '[.events, .done, .failed, .waiting, .tried_again]' '[9,6,2,1,1]'
figure 'by type' '.types | map_values(.events)' \
	'{"patient.updated":2,"patient.created":1,"appointment.booked":3,"appointment.status":1,"bill.completed":2}'
figure 'days are those of the practice: what came a millisecond before midnight there was the day before' \
	'[.days[] | [.day[8:], ([.types[].events] | add // 0)]]' '[["16",2],["17",1],["18",0],["19",1],["20",2],["21",0],["22",3]]'
figure 'the funnel: who came, who went on past a stage, and in how many days' '.pipelines[0].stages | map([.stage, .patients, .went_on, .before, (.days | if . then . + 0 else . end)])' \
	'[["Consult Booked",2,null,null,null],["Consult Complete",0,1,2,3],["Operated",1,0,0,null],["Cancelled / No-Show",0,null,null,null]]'
figure 'the lifetime value: in all, and by day' '[.value, .bills, [.days[] | .value]]' '["400.00",2,["0.00","0.00","0.00","0.00","400.00","0.00","0.00"]]'
figure 'by service, and what is beyond the items or was corrected: together the whole' '.services | map([.service, .value])' \
	'[["Botox","300.00"],["Peel <b>","100.00"],["Not of an item","50.00"],["Corrections","-50.00"]]'
figure 'causes, the worst first; what differs in ids only is one; newest ids first' '.causes | map([.kind, .cause, .events, .ids])' \
	'[["failed","patient …: 404",2,["e8","e7"]],["warned","the CRM has no custom field \"Reason\": left out",1,["e1"]]]'
figure 'with the command that mends them' '.causes | map(.command)' '["pnow-inbox -c /etc/pnow/glow.json drop e8 e7","crm-setup -c /etc/pnow/glow.json\npnow-inbox -c /etc/pnow/glow.json retry e1"]'
figure 'types that the sheet lacks' '.uncategorized' '[{"type":"Yoga","n":1,"last":"e3"}]'
figure 'calls: all that were made, on the day in UTC' '[.patientnow_calls, .crm_calls, [.days[] | .crm_calls]]' '[1,37,[8,12,0,5,12,0,0]]'
figure 'waits, to 3 %: half no longer than 1 s, and none longer than 61 s' \
	'[(.wait_p50_ms / 1000 - 1 | fabs < 0.035), (.wait_p99_ms / 61000 - 1 | fabs < 0.035)]' '[true,true]'
figure 'an empty day has no waits' '[.days[] | has("wait_p50_ms")]' '[true,true,false,true,true,false,true]'

# ---- The page and the text have these figures.

# shown FILE: the words of a page.
shown()
{
	sed -e 's/<style>.*//' -e '/^<style>/,/<\/style>/d' "$1" | sed -E 's/<[^>]*>/ /g' | tr -s ' \n' ' '
}
shown page >words
for what in '16 to 22 November 2026' 'Events 9' 'Lifetime value added $400 of 2 bills' '2 events failed and need a person' \
	'Botox 1 $300.00' 'Corrections 1 -$50.00' 'November 2026 $400.00' 'Consult Complete 0 1 of 2 50.0 % 3.0 days' 'patient …: 404' \
	'pnow-inbox -c /etc/pnow/glow.json drop e8 e7' 'Yoga 1 e3' 'Wed 18 Nov 2026 0' '1 call of PatientNow, 37 of the CRM'; do
	like "the page says: $what" "$(cat words)" "*$what*"
done
like 'names are text there, never tags' "$(grep -c 'Peel <b>' page) $(grep -c 'Peel &lt;b>' page)" '0 [1-9]*'
like 'the text has the same' "$(tr -s ' \n' ' ' <text)" \
	'glow: from PatientNow to the CRM 16 to 22 November 2026 Carried out 6 66.7 % Waiting 1 11.1 % Failed 2 22.2 % Events 9 Lifetime value added $400.00 of 2 bills*2 patient …: 404*drop e8 e7*Wed 18 Nov 2026 0*Consult Complete 0 1 of 2 went on to it, half within 3.0 days*Operated 1*Botox $300.00*Yoga 1*PatientNow 1 of 1,000 a day*'
is 'its lines fit a mail' "$(awk 'length > 998' text page | wc -l)" 0

is 'the page asks nothing of anybody, and runs nothing' \
	"$(grep -oiE '<(script|link|iframe|img|object|embed|form|base)[^>]*>|[a-z:]*(src|href|action)=[^> ]*|url\([^)]*|@import| on[a-z]+=' page | sort -u)" \
	$'<link rel="icon" href="data:,">\nhref="#causes"'
is 'and forbids it' "$(grep -c "default-src 'none'; style-src 'unsafe-inline'; img-src data:" page)" 1
sed 's/"status"/"patient":{"first_name":"Zanzibar"},"raw":"Zanzibar","payload":{"x":"Zanzibar"},"status"/' week >people
is 'what names a person is not taken up' "$(for to in '' -j -t; do pnow-report $to <people; done | grep -c Zanzibar)" 0
is 'the same results make the same page' "$(pnow-report <people | cmp - page && echo same)" same

# ---- Other input.

pnow-report </dev/null >page 2>said
is 'nothing in: a page that says so' "$? $(cat said) $(shown page | grep -oE 'No event came in|No opportunity moved|Nothing failed, and nothing was left out|No bill was added' | xargs)" \
	'0  No event came in No opportunity moved No bill was added Nothing failed, and nothing was left out'
like '... and has no figures of nothing' "$(shown page)" '* no event so far * Events 0 Lifetime value added $0 of 0 bills Typical wait – Left out 0 *'
sed -n 1p week | sed 's/"since":"[^"]*",//' | pnow-report >page
like 'a practice without an event so far has its name' "$(shown page)" '*glow From PatientNow to the CRM, no event so far *'
for n in 1 2 3 4 5 6 7 8 9 10 11; do
	echo '{"id":"i'$n'","type":"appointment.booked","practice":"glow","status":"ignored","reason":"an appointment without a patient","state":"ignored"}'
done | pnow-report >page
is 'ids are only spoken of where there are some' "$(shown page | grep -oE 'Nothing: there was nothing to do|newest 10')" 'Nothing: there was nothing to do'
{ sed -n 2p week && echo hello && echo '{"id":"x","type":"patient.created"}' && echo '{"id":"y","practice":"else","status":"odd"}' && echo && printf ' \t\r\n'; } |
	pnow-report -j >json 2>said
is 'lines that are no results are told and counted, with status 65; the rest is there, and no practice of theirs' \
	"$? $(cat said) $(jq -c '[.events, .passed_over, .practices[].practice]' json)" \
	'65 pnow-report: 3 lines are no results: they were passed over [1,3,"glow"]'
printf '{"id":"%s","type":"bill.completed","practice":"glow","patient_id":"p","status":"done","calls":1,"actions":[{"op":"ltv.add","amount":"1.00"}]}\n' a b |
	pnow-report -j >json
is 'results alone, as crm-push writes them, tell what they tell' "$(jq -c '[.events, .done, .value, .crm_calls, .days]' json)" '[2,2,"2.00",2,[]]'

: >audit
touch -d 2026-11-21T12:00:00Z audit
like 'an audit that found nothing' "$(pnow-report -a audit <week | tr -d '\n')" '*The audit of 21 November 2026 found nothing*'
printf '%s\n' '{"id":"d1","practice":"glow","status":"differs","differences":[{"name":"opportunity.stage"},{"name":"contact","is":"missing"}]}' \
	'{"id":"d2","practice":"glow","status":"differs","differences":[{"name":"opportunity.stage"}]}' >audit
is 'what an audit has found' "$(pnow-report -j -a audit <week | jq -c '.audit, .events')" \
	$'{"events":2,"differences":[{"name":"opportunity.stage","n":2,"last":"d2"},{"name":"contact missing","n":1,"last":"d1"}]}\n9'
echo '{"id":"d3","practice":"else","status":"failed","calls":1,"error":{"code":"unavailable","message":"503"}}' >audit.failed
is 'what it could not compare is no event, and no practice' "$(pnow-report -j -a audit.failed <week | jq -c '.audit, .events, .failed, (.practices | length)' | xargs)" \
	'{events:0,failed:1,differences:[]} 9 2 1'
is '... and no audit that found nothing' "$(for to in '' -t; do pnow-report $to -a audit.failed <week | sed 's/<[^>]*>//g' | grep -i 'found nothing\|be compared'; done | tr -s ' ')" \
	$'Could not be compared: 1 event. The audit\'s lines say why.\n Events that could not be compared 1'
pnow-report -a nowhere <week >page 2>said
is 'an audit that is not there: status 66' "$? $(cat said)" '66 pnow-report: nowhere: No such file or directory'

sed -e 's/"e8"/"a b; $(touch pwned) \x27"/' -e 's|/etc/pnow/glow.json|/etc/the glow.json|' week >hostile
is 'ids and names of files are quoted as a shell wants them' "$(pnow-report -j <hostile | jq -r '.causes[0].command')" \
	"pnow-inbox -c '/etc/the glow.json' drop 'a b; \$(touch pwned) '\\''' e7"
sed -e 's/"Yoga"/"Yo\\u001b[2Jga"/; s/"Botox"/"Bo\\u009b31m\\ntox"/; s/"Surgical"/"Sur\\ngical"/; s/"Operated"/"Ope\\u0007rated"/' \
	-e 's/: 404"/:\\u0085 404"/; s/"glow"/"gl\\u007fow"/; s/"e8"/"e\\u001b8"/' week >commands
is 'no name is a command to the terminal, or a line of its own' "$(for to in '' -t -j; do pnow-report $to -a audit <commands; done | LC_ALL=C grep -caP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]') $(
	pnow-report -t <commands | grep -oE 'Yo.*ga|Bo.*tox|Sur.*gical|Ope.*rated|…:. 404|^gl.ow|drop .* e7' | xargs -d '\n')" \
	"0 gl?ow …:? 404 drop 'e?8' e7 Sur?gical Ope?rated Bo?31m?tox Yo?[2Jga"
is 'a span since 1970 is one of eleven years' "$(sed 's/"since":"2026-11-16/"since":"1970-01-01/' week | pnow-report -j | jq -c '[.events, (.days | length)]')" '[9,4096]'

# ---- Several practices.

{
	sed 's/"glow"/"good"/; s/"dead"/"done"/' week
	cat week
	sed 's/"glow"/"slow"/; s/"dead"/"skipped"/' week
} >all
is '-C: the worst practice first' "$(pnow-report -C -j <all | jq -c '[.practices[] | [.practice, .failed // 0, .skipped // 0]]')" \
	'[["glow",2,0],["slow",0,2],["good",0,0]]'
pnow-report -C <all >page
like 'in a table in front' "$(shown page)" '*3 practices*Practices*glow 9 2 1 0*slow 9 0 1 2*good 9 0 1 0*What came in*'
is 'the command for types that the sheet lacks is that of the practices that have such types' \
	"$({ sed 's/"glow"/"first"/; s/glow.json/first.json/; /uncategorized/d' week; cat week; sed 's/"glow"/"last"/; s/glow.json/last.json/' week; } | pnow-report |
		grep -o 'pnow-fetch[^|]*')" $'pnow-fetch -c /etc/pnow/glow.json appointment-types \npnow-fetch -c /etc/pnow/last.json appointment-types '
like 'in the text, too' "$(pnow-report -C -t <all | tr -s ' \n' ' ')" '*the worst first*glow 9 events, 2 failed*slow*good*'

# ---- What it keeps does not grow.

if sanitized; then
	skip 'it takes no more for a hundred times as many results' 'sanitizers need memory of their own'
else
	# shellcheck disable=SC2016 # awk's
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "{\"id\":\"e%d\",\"type\":\"appointment.booked\",\"practice\":\"glow\",\"patient_id\":\"p%d\"," \
		"\"status\":\"done\",\"calls\":4,\"actions\":[{\"op\":\"opportunity.move\",\"status\":\"done\",\"pipeline\":\"P\",\"stage\":\"S%d\"}]," \
		"\"received\":\"2026-%02d-16T15:00:00.000Z\",\"at\":\"2026-11-16T15:00:0%d.000Z\",\"state\":\"done\"}\n", i, i, i % 2, i % 9 + 1, i % 10 }' >many
	SECONDS=0
	(ulimit -v 40000 && pnow-report -j <many >json)
	is 'it takes no more for 100,000 results' "$? $(jq -c '.events' json)" '0 100000'
	echo "# 100,000 results in $SECONDS s"
	is 'of more patients than it has room for it follows a fair part, to 3 %' \
		"$(jq -c '.pipelines[0].stages | map(.patients / 50000 - 1 | fabs < 0.03) | .[:2]' json) $(pnow-report <many | grep -c 'one of 2 was followed')" '[true,true] 1'
fi

# ---- Every error has its advice.

is 'every error code of pnow-event(5) has its advice' \
	"$(sed -n '/^The codes; those/,/^\.Ss Results/p' "$root/man/pnow-event.5" | sed -nE 's/^\.It Cm ([a-z_]+).*/\1/p' | while read -r code; do
		grep -q "{\"$code\", " "$root/cmd/pnow-report/cause.c" || echo "$code"; done)" ''

# ---- The mail.

mkdir bin
printf '#!/bin/sh\ncat >mail\n' >bin/sendmail
printf '#!/bin/sh\necho "$@" >>asked\ncat week\n' >bin/pnow-inbox
chmod +x bin/*
PATH=$work/bin:$PATH SENDMAIL=bin/sendmail PNOW_AUDIT=audit bash "$root/examples/report/mail-report" owner@glow.example /etc/pnow/glow.json
is 'mail-report asks for the last seven whole days' "$? $(cat asked)" '0 -c /etc/pnow/glow.json results -s 7d -u 0d'
is 'its mail has the text' "$(sed -n '1,2p' mail | xargs) $(sed -n '/text\/plain/,/^--/p' mail | sed '1,/^$/d; /^--/d' | base64 -d | cmp - <(pnow-report -t -a audit <week) && echo text)" \
	'To: owner@glow.example Subject: pnow: glow: from PatientNow to the CRM 16 to 22 November 2026 text'
is 'and the page' "$(sed -n '/text\/html/,$p' mail | sed '1,/^$/d; /^--/d' | base64 -d | cmp - <(pnow-report -a audit <week) && echo page)" page
finish
