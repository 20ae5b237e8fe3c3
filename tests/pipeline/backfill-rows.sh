#!/usr/bin/env bash
# Exports as offices keep them, through the backfill's script: it says which facts have no column, takes columns by other names
# in the exports that have them, leaves out void bills, and shows at the end why rows and events got nowhere, and which rows;
# nothing of a person.
# shellcheck disable=SC2154 # from common.bash
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
seed .
sandbox
practice test

cat >patients.csv <<'END'
Client,First,Last Name,Email,Cell Phone,DOB
1,Ana,Lopez,ana@example.com,303-555-0142,03/02/84
2,Ben,Okafor,none,720-555-0117,03/02/1984
3,Cyd,Ray,cyd@example.com,
,Eve,Ray,eve@example.com,720-555-0119,1/1/1999
END
cat >bills.csv <<'END'
Bill ID,Client,Mail,Total,Bill Date,Status
1,1,,(12.00),06/01/2025,Paid
2,1,,12.00,06/02/25,Paid
3,1,,12.00,13/02/2025,Paid
4,1,,USD 12.00,,Paid
5,1,ana@example.com,100,06/05/2025,Void
6,9,,5,06/06/2025,Paid
7,9,,5,06/07/2025,Paid
8,9,,5,06/08/2025,Paid
9,9,,5,06/09/2025,Paid
END

# backfill OPTION…: its status; what it writes is in out and said.
backfill()
{
	"$root/examples/backfill/backfill" -j 1 -c test.json "$@" patient=patients.csv bill=bills.csv >out 2>said
}

backfill -m patient.id=Client -m patient.first_name=First -m patient:dob=DOB
is "a fact without its kind: what was expected" "$? $(head -n 1 said)" \
	'64 -m patient:dob=DOB: expected a fact with its kind, such as bill.total=Net or bill:patient.email=Mail'
backfill -x Status=Void
is "rows to leave out, without the kind" "$? $(head -n 1 said)" '64 -x Status=Void: expected a kind, a column and a value, such as bill:Status=Void'

backfill -n -m patient.id=Client -m patient.first_name=First -m patient.dob=DOB -x bill:Status=void
is "-n shows what would be done, and ends with a summary" "$? $(jq -r '"\(.method) \(.path)"' out | sort | uniq -c | xargs) $(sed -n 's/^backfill: //p' said | head -n 3)" \
	'1 2 POST /contacts/upsert 4 PUT /contacts/{contact} 4 null null nothing was sent; 12 rows: 8 events, 4 that could not be read
4 events would send 6 requests: 2 POST /contacts/upsert, 4 PUT /contacts/ID; of the others 4 skipped
4 would fail or be skipped (backfill/failed has all):'
is "-n: by cause, with the rows" "$(grep --no-group-separator -A 1 -E '^ +[0-9]+  (bill.completed skipped|bill.date: the year)' said)" \
	"     4  bill.completed skipped: no e-mail and no phone, and no contact is known for this patient
        bills.csv, line 7; bills.csv, line 8; bills.csv, line 9; ...
     1  bill.date: the year has two digits, expected 12/31/2026 or 2026-12-31
        bills.csv, line 3"
is "-n sends nothing, and makes no state" "$(requests . | wc -l) $(find . -name 'test.db*')" '0 '

backfill -m patient.id=Client -m patient.first_name=First -m patient.dob=DOB -m bill:patient.email=Mail -x bill:Status=void
is "a column of one export does not fail the others" "$? $(cat out)" '1 4 done, 4 skipped'
is "facts without a column are told first, then what is left out" "$(head -n 3 said)" \
	"pnow-csv: patients.csv: no column for patient.gender, patient.address1, patient.city, patient.state, patient.postal_code, \
patient.referral_source, patient.unsubscribed
pnow-csv: bills.csv: no column for bill.provider, bill.facility, bill.refunded, bill.refund_of, patient.first_name, patient.dob, item.name
pnow-csv: 1 row left out (-x)"
is "each cause is told once, with its number and up to three rows" "$(tail -n +4 said)" \
	"backfill: 4 failed or were skipped (backfill/failed has all):
     4  bill.completed skipped: no e-mail and no phone, and no contact is known for this patient
        bills.csv, line 7; bills.csv, line 8; bills.csv, line 9; ...
backfill: 3 have warnings (backfill/warned has all):
     1  bill.completed: bill.date is missing: it is taken for the newest
        bills.csv, line 5
     1  patient.created: patient.dob: the year has two digits, expected 12/31/2026 or 2026-12-31
        patients.csv, line 2
     1  patient.created: patient.email is no e-mail address: left out
        patients.csv, line 3
backfill: 4 rows could not be read (backfill/bad has all):
     1  bill.date: the day stands before the month, expected 12/31/2026 or 2026-12-31
        bills.csv, line 4
     1  bill.date: the year has two digits, expected 12/31/2026 or 2026-12-31
        bills.csv, line 3
     1  found 5 fields, expected 6 as in the header
        patients.csv, line 4
     1  it has no patient id
        patients.csv, line 5"
is "the money is what the bills that count say" "$(contact ana@example.com | jq -r '.fields["Patient Lifetime Value"]')" 0.00
is "nobody is named" "$(grep -ciE 'ana|lopez|ben|okafor|cyd|ray|@|555|1984' said)" 0

fault quote of=lastName api=crm
sed -i 's/Lopez/Ramos/; s/Okafor/Stone/' patients.csv
backfill -m patient.id=Client -m patient.first_name=First -m patient.dob=DOB -x bill:Status=void
like "what the CRM refused is told by the rows that it refused" "$? $(grep -A 1 patient.created.failed said)" \
	'*     2  patient.created failed: *422*        patients.csv, line 2; patients.csv, line 3'
finish
