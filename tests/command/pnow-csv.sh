#!/usr/bin/env bash
# pnow-csv: exports as they really are, and broken ones. Every row is in an event or in an error; no cent is guessed; nothing
# of a row is on standard error.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

cat >conf.json <<'T'
{ "practice": "glow-denver", "timezone": "America/Denver", "pipelines": "non-surgical", "patientnow": {"profile": "patientnow-pro"} }
T
export PNOW_CONFIG=conf.json

# csv TYPE FILTER [OPTION…]: the events and errors of standard input, each through a jq filter, then the exit status.
csv()
{
	pnow-csv -e "$1" "${@:3}" 2>said | jq -c "$2"
	printf '%s\n' "${PIPESTATUS[0]}"
}

# ---- What an export looks like

head=$'Patient ID,First Name\n'
ana='["1","Ana, \"A\"\nLopez"]'$'\n0'
is "quotes, and commas, quotes and newlines inside of them" "$(csv patient '[.patient.id,.patient.first_name]' <<<"$head"$'1,"Ana, ""A""\nLopez"')" "$ana"
is "lines that end as on Windows" "$(csv patient '[.patient.id,.patient.first_name]' <<<"$head"$'1,"Ana, ""A""\nLopez"\r\n\r')" "$ana"
is "no newline at the end" "$(printf 'Patient ID,First Name\n7,Zoe' | csv patient .patient.first_name)" $'"Zoe"\n0'
is "a byte order mark" "$(printf '\xef\xbb\xbf"Patient ID",First Name\n7,Zoe\n' | csv patient .patient.id)" $'"7"\n0'
is "semicolons" "$(printf 'Patient ID;First Name\n7;Zoe, A.\n' | csv patient .patient.first_name)" $'"Zoe, A."\n0'
is "tabs, and empty columns between them" "$(printf 'Patient ID\tEmail\tFirst Name\n7\t\tZoe\n' | csv patient .patient)" \
	$'{"id":"7","first_name":"Zoe"}\n0'
is "what Excel says before the header" "$(printf 'sep=;\nPatient ID;First Name\n7;Zoe\n' | csv patient .patient.id)" $'"7"\n0'
is "UTF-8 and Windows-1252, told row by row" \
	"$(printf 'Patient ID,First Name\n1,Jos\xc3\xa9\n2,Jos\xe9 \x96 \x80\n3,Zoe\n' | csv patient .patient.first_name)" $'"José"\n"José – €"\n"Zoe"\n0'
is "rows without a word are nothing" "$(csv patient .patient.id <<<"$head"$'\n,\n   \n1,Ana\n" ",\n')" $'"1"\n0'
is "empty fields behind the last are nothing" "$(csv patient .patient.id <<<"${head}1,Ana,,")" $'"1"\n0'
is "names of columns in any spelling, the profile's in their order" \
	"$(csv patient .patient.phone <<<$'patient_id,HOME PHONE,cell-phone\n1,303,\n2,303,404')" $'"303"\n"404"\n0'
is "columns that have our own names" "$(csv patient '.patient|[.id,.postal_code]' <<<$'ID,Postal Code\n1,80202')" $'["1","80202"]\n0'
is "-m names a column, and another one" \
	"$(csv patient .patient <<<$'Client,Mobile,Landline\n1,,303\n2,404,' -m id=Client -m patient.phone=Mobile -m patient.phone=Landline)" \
	$'{"id":"1","phone":"303"}\n{"id":"2","phone":"404"}\n0'
is "several files, each with its own header" "$(printf 'Patient ID\n1\n' >a.csv
	printf 'First Name;Patient ID\nZoe;2\n' >b.csv
	csv patient .patient.id a.csv b.csv)" $'"1"\n"2"\n0'
sed 's/"day_first": false/"day_first": true/' "$root/lib/profiles/patientnow-pro.json" >day.json
sed 's/patientnow-pro/.\/day.json/' conf.json >day.conf
birth=$'Patient ID,Date of Birth\n1,03/02/1984'
is "month before day, or as the profile says" "$(csv patient .patient.dob <<<"$birth") $(csv patient .patient.dob -c day.conf <<<"$birth")" \
	$'"1984-03-02"\n0 "1984-02-03"\n0'


# ---- What is missing, what is left out

few=$'Patient ID,First Name,Shoe Size\n1,Ana,F'
csv patient . <<<"$few" >/dev/null
is "facts without a column are told, beside columns without a fact" "$(cat said)" \
	"pnow-csv: standard input: no column for patient.last_name, patient.email, patient.phone, patient.gender, patient.dob, \
patient.address1, patient.city, patient.state, patient.postal_code, patient.referral_source, patient.unsubscribed
pnow-csv: standard input: nothing is made of \"Shoe Size\""
csv membership . <<<$'Membership ID,Patient ID,Program Name,Sold Date,Amount,Status\n1,2,Glow,06/01/2025,5,Active' >/dev/null
is "nothing is told where nothing is missing" "$(cat said)" ''
csv bill . -m facility= -m provider= -m status= -m refunded= -m refund_of= -m item.name= <<<$'Bill ID,Patient ID,Bill Date,Total\n1,2,06/01/2025,5' >/dev/null
is "nor where it is known that there is none" "$(cat said)" ''
is "a patient's fact that was given for other exports, too, need not be in each" \
	"$(csv bill '[.patient.id,.bill.total]' -m patient.id=Client -m patient.first_name=First <<<$'Bill ID,Patient ID,Total\n1,2,5')" $'["2","5.00"]\n0'
like "and that it is not is told" "$(cat said)" '*: no column for *, patient.first_name?*'
is "of several columns for a fact one is enough" \
	"$(csv patient .patient.phone -m phone=Mobile -m phone=Landline <<<$'Patient ID,Landline\n1,303')" $'"303"\n0'
void=$'Bill ID,Patient ID,Total,Bill State\n1,2,5,Paid\n2,2,6,void \n3,2,7,Open'
is "-x leaves rows out, whatever the case and the blanks of a value" "$(csv bill .bill.id -x 'Bill State=Void' -x 'Bill State=Open' <<<"$void")" $'"1"\n0'
like "and says how many" "$(cat said)" '*: 2 rows left out (-x)'
is "-x COLUMN!=VALUE leaves out all but those" "$(csv bill .bill.id -x 'Bill State!=paid' <<<"$void")" $'"1"\n0'
is "an event says where it stood" "$(csv bill .row <<<"$void" | head -n 2 | tail -n 1)" '{"file":"standard input","line":3}'

# ---- Types and times

visits=$'Appointment ID,Patient ID,Status,Start Time\n1,2,Scheduled,2025-06-01 10:00\n2,2,Completed,2025-06-01 10:00\n3,2,Booked,2101-06-01 10:00'
is "an appointment's type fits its status; when it occurred is not known of one to come" "$(csv appointment '[.type,.occurred]' <<<"$visits")" \
	$'["appointment.booked","2025-06-01T16:00:00.000Z"]\n["appointment.status","2025-06-01T16:00:00.000Z"]\n["appointment.booked",null]\n0'
is "a type that was asked for is taken" "$(csv patient.updated .type <<<"${head}1,Ana")" $'"patient.updated"\n0'
is "booked, where no status is told and that was asked for" \
	"$(csv appointment.booked '[.type,.appointment.status]' <<<$'Appointment ID,Patient ID\n1,2')" $'["appointment.booked","booked"]\n0'
same=$(csv patient .id <<<"${head}1,Ana")
is "the same row is the same event" "$(csv patient .id <<<$'First Name,Patient ID,Balance\nAna,1,9')" "$same"
is "an event needs no PatientNow" "$(pnow-csv -e bill <<<$'Bill ID,Patient ID,Total\n1,2,$3' | crm-map | jq -c '.actions[1]')" \
	'{"op":"ltv.add","bill":"1","amount":"3.00"}'

dated=$'Bill ID,Patient ID,Total,Bill Date,Date of Birth\n1,2,5,'
# wrong DATE [OPTION…]: the error of a bill with that date
wrong()
{
	csv bill .error.message "${@:2}" <<<"$dated$1," | head -n 1
}
is "a year of two digits: what, where, and what was expected" "$(wrong 6/1/25)" \
	'"standard input, line 2: bill.date: the year has two digits, expected 12/31/2026 or 2026-12-31"'
like "a day before the month" "$(wrong 13/02/2025)" '*: the day stands before the month, expected 12/31/2026 or 2026-12-31"'
like "a month before the day, where the profile has the day first" "$(wrong 02/13/2025 -c day.conf)" \
	'*: the month stands before the day, expected 31/12/2026 or 2026-12-31"'
like "a date that is none" "$(wrong soon)" '*: there is no such date, expected *'
is "a birth date that cannot be read costs no bill, and is told without itself" "$(csv bill '[.bill.total,.patient.dob,.warnings]' <<<"${dated}06/01/2025,2/3/84")" \
	$'["5.00",null,["patient.dob: the year has two digits, expected 12/31/2026 or 2026-12-31"]]\n0'
is "a bill without a date says what that means" "$(csv bill '[.bill.total,.warnings]' <<<"$dated,")" \
	$'["5.00",["bill.date is missing: it is taken for the newest"]]\n0'

# ---- Bills

bills=$'Bill ID,Patient ID,Bill Date,Description,Amount,Total\n'
lines=$'Bill ID,Patient ID,Description,Amount\n'
is "the rows of a bill are one event, and their sum its total" \
	"$(csv bill '.bill|[.id,.total,(.items|length)]' <<<"$lines"$'1,2,Botox,$1\n2,2,Peel,0.10\n2,2,Peel,0.20\n3,2,Fee,-5')" \
	"$(printf '%s\n' '["1","1.00",1]' '["2","0.30",2]' '["3","-5.00",1]' 0)"
is "a total is the total; items that make something else are told" \
	"$(csv bill '[.bill.total,.warnings]' <<<"${bills}1,2,06/01/2025,Botox,3,5"$'\n1,2,06/01/2025,Peel,2,5\n2,2,06/01/2025,Peel,2,1')" \
	"$(printf '%s\n' '["5.00",null]' '["1.00",["the items make 2.00, and not the bill'\''s total: the total counts"]]' 0)"
is "a total that stands in one row only, whatever its items say" "$(csv bill '[.bill.total,.warnings]' <<<"${bills}1,2,06/01/2025,Botox,free,"$'\n1,2,06/01/2025,Peel,,5')" $'["5.00",null]\n0'
is "rows that have different totals are an error" \
	"$(csv bill '[.error.line,.error.message,.raw]' <<<"${bills}1,2,,Botox,,3"$'\n1,2,,Peel,,2')" \
	"$(printf '%s\n' "[2,\"standard input, line 2: the bill's rows have different totals: if they are the items' amounts, give -m total= -m 'item.amount=COLUMN'\",\"1,2,,Botox,,3\\n1,2,,Peel,,2\"]" 1)"
is "and with what it asks for they are one bill" \
	"$(csv bill .bill.total -m total= -m item.amount=Total <<<"${bills}1,2,,Botox,,3"$'\n1,2,,Peel,,2')" $'"5.00"\n0'
is "two patients on one bill are an error" "$(csv bill .error.line <<<"${lines}1,2,Botox,1"$'\n1,3,Peel,1')" $'2\n1'
is "an amount that is none is an error, without a total" "$(csv bill '[.error.line,.bill.total]' <<<"${lines}1,2,Botox,\"1,5\""$'\n2,2,Peel,1')" \
	$'[2,null]\n[null,"1.00"]\n1'
is "a total that is none is an error" "$(csv bill .error.line <<<"${bills}1,2,,Botox,1,1e2")" $'2\n1'
is "no amount at all is an error" "$(csv bill .error.line <<<"${lines}1,2,Botox,")" $'2\n1'
is "a bad row beside a bill may be its item: without a total both bills are errors" \
	"$(csv bill '.error.line//.bill.id' <<<"${lines}1,2,Botox,1"$'\n2,2,Peel,1\n2,2\n3,2,Peel,1\n4,2,Peel,1')" \
	"$(printf '%s\n' '"1"' 4 3 5 '"4"' 1)"
is "with a total the bill counts, and says so" "$(csv bill '[.error.line,.bill.total,(.warnings|length)]' <<<"${bills}1,2,06/01/2025,Botox,1,3"$'\n1,2\n1,2,06/01/2025,Peel,1,3')" \
	$'[3,null,0]\n[null,"3.00",1]\n1'
is "rows of a bill that stand apart are an error, without a total" \
	"$(csv bill '.error.line//.bill.total' <<<"${lines}1,2,Botox,1"$'\n2,2,Peel,1\n1,2,Peel,1')" $'"1.00"\n"1.00"\n4\n1'
is "what was given back, and currencies by name" "$(csv bill .bill.total <<<"$lines"$'1,2,Botox,(12.10)\n2,2,Botox,$12.10-\n3,2,Botox,12.10 USD')" \
	"$(printf '%s\n' '"-12.10"' '"-12.10"' '"12.10"' 0)"
is "a sum that is too large is an error" \
	"$(csv bill .error.line <<<"${lines}$(for i in {1..101}; do echo "1,2,a,999999999999999"; done)")" $'2\n1'

# ---- Bad rows

is "a row that is too short, and one that is too long" \
	"$(csv patient '[.patient.id,.error.line,.raw]' <<<"${head}1"$'\n2,Ben,x\n3,Cyd')" \
	"$(printf '%s\n' '[null,2,"1"]' '[null,3,"2,Ben,x"]' '["3",null,null]' 1)"
is "a row without an id" "$(csv patient '[.error.line,.raw]' <<<"$head,Ana")" $'[2,",Ana"]\n1'
is "a quote that is never closed takes no other row along" "$(csv patient '.patient.id//.error.line' <<<"${head}1,\"Ana"$'\n2,Ben\n3,Cyd')" $'2\n"2"\n"3"\n1'
is "a quote that is closed wrongly neither" "$(csv patient '.patient.id//.error.line' <<<"${head}1,\"Ana"$'\n2,"Ben"\n3,"C"yd\n4,Dee')" $'2\n"2"\n4\n"4"\n1'
is "lines are counted as an editor does" "$(csv patient '.error.line//empty' <<<"$head"$'1,"A\n\nB"\n\n2\n')" $'6\n1'
is "a NUL byte" "$(printf 'Patient ID,First Name\n1,A\0na\n2,Ben\n' | csv patient '.patient.id//.error.line')" $'2\n"2"\n1'
is "a carriage return in the middle" "$(printf 'Patient ID,First Name\n1,A\rna\n2,Ben\n' | csv patient '.patient.id//.error.line')" $'2\n"2"\n1'
is "no UTF-8, where the byte order mark promises it: the row as it was, in base64" \
	"$(printf '\xef\xbb\xbfPatient ID,First Name\n1,Jos\xe9\n' | csv patient '[.encoding,(.raw|@base64d|length)]')" $'["base64",6]\n1'
is "a byte that no encoding has" "$(printf 'Patient ID,First Name\n1,Jos\x81\n' | csv patient .error.line)" $'2\n1'

# big N: a field of so many bytes.
big()
{
	head -c "$1" /dev/zero | tr '\0' x
}
is "a field of 2 MB: all of it, in pieces, and the run goes on" "$({
	printf '%s1,"' "$head"
	big 2000000
	printf '"\n2,Ben\n'
} | csv patient '.patient.id//[.error.line,.error.part//empty,(.raw|@base64d|length)]' | jq -c 'if type=="array" and length==3 then .[2] else . end' |
	jq -s -c '[(map(numbers)|.[:-1]|add),(map(strings))]')" '[2000004,["2"]]'
is "a quote that is open for more than 1 MiB takes no other row along" "$({
	printf '%s1,"Ana\n' "$head"
	yes '2,this is Ben, who is one of so many' | head -n 40000 | tr -d , | sed 's/^2/2,/'
} | csv patient '.patient.id//.error.line' | sort | uniq -c | xargs)" '40000 2 1 1 1 2'
is "every row is there: in an event, or in an error" "$(
	seq 1 20000 | awk 'BEGIN { print "Patient ID,First Name" } { print $1 % 7 ? $1 ",Ana" : $1 ",\"Ana" }' >many.csv
	pnow-csv -e patient many.csv | jq -r '.patient.id//(.raw|split(",")[0])' | sort -n | cmp - <(seq 1 20000) && echo all)" all

# ---- Mistakes

# says PROMISE STATUS PATTERN: the last command's status, and what it said.
says()
{
	local status=$?
	if [ $status -ne "$2" ]; then fail "$1" "status $status" "$(cat said)"; else like "$1" "$(cat said)" "*$3*"; fi
}
pnow-csv -e bill <<<$'Bill No,Patient ID,Total\n1,2,3' 2>said
says "a column that is missing: what is expected, and what the header has" 65 'standard input: found no column for bill.id, expected *Bill ID*"Bill No", "Patient ID", "Total"*-m '\''bill.id=COLUMN'\'
pnow-csv -e bill <<<$'"Bill\nNo",Patient ID,Total\n1,2,3' 2>said
says "a line break in a column's name does not break the line that tells of it" 65 'it has "Bill No", "Patient ID"'
is "and a column is found all the same" "$(pnow-csv -e bill -m 'id=Bill No' <<<$'"Bill\nNo","Patient\nID",Total\n1,2,3' | jq -r '.bill.id,.patient.id' | xargs)" '1 2'
pnow-csv -e patient <<<'1,Ana,Lopez,ana@example.com,303-555-0142' 2>said
says "a file without a header" 65 'its first row holds data'
is "and nobody's name is told" "$(grep -ciE 'ana|lopez|555' said)" 0
pnow-csv -e patient -m id=Nobody <<<"${head}1,Ana" 2>said
says "a column of -m that is not there" 65 'found no column "Nobody" (-m id)'
pnow-csv -e patient </dev/null 2>said
says "an empty file" 65 'it is empty'
pnow-csv -e patient nowhere.csv 2>said
says "a file that is not there" 65 'cannot read nowhere.csv'
pnow-csv -e patient "$work" 2>said
says "a folder" 65 'is a folder'
printf '\xff\xfeP\0a\0\n\0' | pnow-csv -e patient 2>said
says "UTF-16" 65 'no header of a CSV file'
pnow-csv 2>said
says "no type" 64 'expected patient, appointment, bill, membership'
pnow-csv -e contact.tagged 2>said
says "a type that no export has" 64 'expected patient'
pnow-csv -e patient -m nose=Nose 2>said
says "a fact that is none" 64 '-m nose: expected a fact'
pnow-csv -e patient -m nose 2>said
says "-m without a column" 64 'expected FACT=COLUMN'
pnow-csv -e patient -x Void 2>said
says "-x without a value" 64 'expected COLUMN=VALUE'
pnow-csv -e patient -x Void=1 <<<"${head}1,Ana" 2>said
says "a column of -x that is not there" 65 'found no column "Void" (-x), the header has "Patient ID"'

# ---- As a filter

mkfifo in
pnow-csv -e bill <in >out 2>said &
process=$!
started+=("$process")
exec 3>in
printf '%s1,2,Botox,1\n2,2,Peel,1\n' "$lines" >&3
await out
kill -TERM "$process"
wait "$process"
is "SIGTERM: what is whole has gone out, and a bill whose rows may be missing has not" "$? $(jq -r .bill.id out)" "0 1"
like "with a word" "$(<said)" '*pnow-csv: standard input was not read to its end'
pnow-csv -e patient </ 2>said
says "an input that cannot be read" 74 'cannot read the input: Is a directory'
exec 3>&-
pnow-csv -e patient many.csv 2>said | head -n 1 >/dev/null
is "a reader who leaves is no trouble" "${PIPESTATUS[0]} $(grep -vc 'no column' said)" "141 0"
if [ -e /dev/full ]; then
	pnow-csv -e patient many.csv >/dev/full 2>said
	says "an output that cannot be written" 73 'cannot write standard output'
fi
is "bad rows and people are not on standard error" "$(pnow-csv -v -e patient many.csv 2>&1 >/dev/null | grep -c Ana)" 0

if sanitized || ! grep -q '^VmHWM' /proc/self/status 2>/dev/null; then
	skip "many rows take no more memory than few" "needs /proc, and a build without sanitizers"
else
	# peak N: KiB at the most after a bill for each of N rows.
	peak()
	{
		pnow-csv -e bill <in >/dev/null 2>/dev/null &
		process=$!
		exec 3>in
		awk -v n="$1" 'BEGIN { print "Bill ID,Patient ID,Description,Amount"; for (i = 0; i < n; i++) print i ",2,Botox,1.50" }' >&3
		awk '/^VmHWM/ { print $2 }' "/proc/$process/status"
		exec 3>&-
		wait "$process"
	}
	few=$(peak 1000) many=$(peak 300000)
	is "300,000 bills take less than 16 MB ($few KiB for a thousand, $many KiB)" "$((many < 16384))" 1
fi
sed 's/"day_first": false/"day_first": false, "epoch": "seconds"/' "$root/lib/profiles/patientnow-pro.json" >epoch.json
sed 's/patientnow-pro/.\/epoch.json/' conf.json >epoch.conf
is "times that are numbers, where the profile counts so" \
	"$(csv bill '[.bill.date, .warnings, .error]' -c epoch.conf <<<$'Bill ID,Patient ID,Bill Date,Total\n1,2,1764603000,5')" $'["2025-12-01",null,null]\n0'
finish
