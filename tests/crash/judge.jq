# Compares what the CRM holds (/_/state, standard input) with what it should: a line for each violation. $expected:
# expect.jq's object; $undecided: how many enrolments are undecidable, by the contact's id.
def count: group_by(.) | map({(.[0]): length}) | add // {};
def cents: (. // 0) | tonumber * 100 | round;

$expected[0] as $all | $undecided[0] as $undecided
| [.contacts[] | . + {key: (.email // .phone)}] as $contacts
| ($contacts | group_by(.key)[] | select(length > 1) | "\(.[0].key): made twice"),
	($contacts[] | select($all[.key] == null and (.tags | index("vip") | not)) | "\(.key): belongs to nobody"),
	($all | keys[] | select(. as $key | $contacts | any(.key == $key) | not) | "\(.): not in the CRM"),
	($contacts[] | . as $is | $all[.key] | values | . as $should
		| ($is.notes | map(.body? // .) | count) as $notes | ($should.notes | count) as $wanted
		| ($is.workflows | count) as $enrolled | ($should.workflows | count) as $enrol
		| "\($is.key): " + (
			(($notes + $wanted) | keys[] | select($notes[.] != $wanted[.])
				| "\($notes[.] // 0) notes where \($wanted[.] // 0) belong: \(.)"),
			($enrolled | keys[] | select($enrolled[.] > ($enrol[.] // 0))
				| "enrolled \($enrolled[.]) times, not \($enrol[.] // 0): \(.)"),
			((($should.workflows | length) - ($is.workflows | length)) as $missing
				| select($missing > ($undecided[$is.id] // 0))
				| "\($missing) enrolments missing, \($undecided[$is.id] // 0) undecidable"),
			(select(($is.tags | sort) != ($should.tags | sort)) | "tags \($is.tags), not \($should.tags)"),
			(($is.fields["Patient Lifetime Value"] | cents) as $ltv | select($ltv != $should.ltv)
				| "lifetime value \($ltv) cents, not \($should.ltv)"),
			($is.opportunities | group_by(.pipeline)[] | select(length > 1) | "two opportunities in \(.[0].pipeline)"),
			(($is.opportunities | map({(.pipeline): .}) | add // {}) as $opportunities
				| ($opportunities + $should.opportunities | keys[]) | . as $pipeline
				| $opportunities[.] as $one | $should.opportunities[.] as $other
				| (select($one.stage != $other.stage) | "\($pipeline): \($one.stage), not \($other.stage)"),
					(select($should.shared | not)
						| select($one.status != $other.status or ($one.monetaryValue | cents) != ($other.value // 0))
						| "\($pipeline): \($one.status) \($one.monetaryValue), "
							+ "not \($other.status) \($other.value) cents")),
			(select($should.shared | not) | select(($should.name // $is.firstName) != $is.firstName)
				| "is \($is.firstName), not \($should.name)"),
			(select($should.visit) | $is.fields
				| select(.["PNOW Last Appt ID"] != $should.visit or .["PNOW Appt Status"] != $should.status)
				| "last visit \(.["PNOW Last Appt ID"]) \(.["PNOW Appt Status"]), not \($should.visit) \($should.status)"),
			(select($should.bill and ($should.shared | not)) | $is.fields | select(.["PNOW Last Order ID"] != $should.bill)
				| "last bill \(.["PNOW Last Order ID"]), not \($should.bill)")))
