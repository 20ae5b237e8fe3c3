# Writes the same events for many patients, each patient's in an order of their own:
# awk -v what=events|contacts|patients -v times=order|late|none -v tagged=0|1 -v every=N -f orders.awk
# awk … -v drawn=N -v patients=N -v seed=N -f orders.awk
# The first: every N-th of all orders of the menu's first events; with tagged, contact.tagged is one of them. The second: so
# many of the whole menu for each patient, drawn at random, some more than once. times: the events occur in this order; or at
# times that know nothing of it, so that most come late; or nobody knows when. Contacts and patients: a JSON list of those whom
# tagged events are about.

# A number from 0 up to n - 1.
function dice(n) { random = (random * 16807) % 2147483647; return int(random / 2147483647 * n) }

function person(p, first)
{
	return sprintf("\"first_name\":\"%s\",\"last_name\":\"Last%d\",\"email\":\"p%d@example.com\",\"phone\":\"303%07d\",\"gender\":\"F\",\"dob\":\"1984-03-02\"", \
		first, p, p, 2000000 + p)
}

function visit(event, id, type, status, start)
{
	menu[++courses] = sprintf("\"type\":\"appointment.%s\",\"appointment\":{\"id\":\"@-%d\",\"type\":\"%s\",\"status\":\"%s\"," \
		"\"start\":\"2026-12-%02dT15:30:00-07:00\",\"provider\":\"Dr. %s\",\"facility\":\"Main\",\"reason\":\"Reason %d\"," \
		"\"comments\":\"Comment %d\",\"event_type\":\"Office Visit\"}", event, id, type, status, start, id, courses, courses)
	name[courses] = "Ana"
}

function bill(id, total)
{
	menu[++courses] = sprintf("\"type\":\"bill.completed\",\"bill\":{\"id\":\"@-%d\",\"total\":\"%s\",\"date\":\"2026-12-01\"," \
		"\"provider\":\"Dr. Bill\",\"facility\":\"Main\",\"items\":[{\"name\":\"Item %d\",\"amount\":\"%s\"}]}", id, total, courses, total)
	name[courses] = "Ana"
}

function member(id, program)
{
	menu[++courses] = sprintf("\"type\":\"membership.created\",\"membership\":{\"id\":\"@-%d\",\"program\":\"%s\"," \
		"\"sold_date\":\"2026-12-01\",\"amount\":\"129.00\"}", id, program)
	name[courses] = "Ana"
}

function about(type, first, unsubscribed)
{
	menu[++courses] = sprintf("\"type\":\"%s\"", type)
	name[courses] = first
	more[courses] = sprintf(",\"referral_source\":\"Google\",\"unsubscribed\":%s", unsubscribed)
}

function write_menu()
{
	about("patient.created", "Ana", "false")
	about("patient.updated", "Anna", "true")
	visit("booked", 1, "Rhinoplasty Consult", "booked", 1)
	visit("status", 2, "Stitches", "checked_out", 2)
	bill(1, "450.00")
	member(1, "Glow Club")
	if (tagged)
		menu[++courses] = "\"type\":\"contact.tagged\""
	first = courses
	visit("status", 1, "Rhinoplasty Consult", "checked_out", 1)
	visit("status", 1, "Rhinoplasty Consult", "cancelled", 1)
	visit("booked", 1, "Rhinoplasty Consult", "booked", 5)
	visit("booked", 3, "Botox", "booked", 3)
	visit("status", 3, "Botox", "checked_out", 3)
	visit("booked", 4, "Rhinoplasty", "booked", 4)
	visit("status", 4, "Rhinoplasty", "checked_out", 4)
	visit("status", 5, "Yoga", "no_show", 6)
	bill(1, "460.50")
	bill(2, "99.90")
	bill(3, "0.00")
	bill(4, "-20.00")
	member(2, "Skin Club")
	about("patient.updated", "Ana", "false")
	about("patient.created", "Anna", "false")
}

# The orders of the numbers 1 to n that differ from place k on, by exchanging: every N-th of them goes into of[patient, place].
function permute(n, k,  i, swap)
{
	if (k > n) {
		if (found++ % every == 0)
			for (made++; n > 0; n--)
				of[made, n] = at[n]
		return
	}
	for (i = k; i <= n; i++) {
		swap = at[k]; at[k] = at[i]; at[i] = swap
		permute(n, k + 1)
		swap = at[k]; at[k] = at[i]; at[i] = swap
	}
}

function clock(minutes) { return sprintf("2026-12-01T%02d:%02d:00Z", int(minutes / 60), minutes % 60) }

function write_event(p, place,  k, line, when)
{
	k = of[p, place]
	line = menu[k]
	gsub("@", p, line)
	when = times == "none" ? "" : sprintf(",\"occurred\":\"%s\"", clock(times == "order" ? place : drawn ? dice(drawn) : k))
	printf "{\"id\":\"%06d-%02d\",\"practice\":\"test\",\"source\":\"webhook\",\"received\":\"2026-12-05T00:00:00Z\"%s,%s", p, place, when, line
	if (line ~ /contact.tagged/)
		printf ",\"payload\":{\"type\":\"ContactTagUpdate\",\"locationId\":\"%s\",\"id\":\"contact%d\",\"tags\":[\"pnowcreate\"]}}\n", main, p
	else
		printf ",\"patient\":{\"id\":\"%d\",%s%s}}\n", 100000 + p, person(p, name[k]), more[k]
}

# Names as the API spells them: firstName, cellPhone.
function write_person(p, id, phone, tags)
{
	printf "%s{\"%s\":\"%s\",\"firstName\":\"Ana\",\"lastName\":\"Last%d\",\"email\":\"p%d@example.com\",\"%s\":\"+1303%07d\"," \
		"\"gender\":\"%s\"%s}", (p > 1 ? "," : "["), id, (id == "id" ? "contact" p : 100000 + p), p, p, phone, \
		2000000 + p, (id == "id" ? "female" : "F"), tags
}

BEGIN {
	random = seed + 1
	dice(2)
	write_menu()
	n = drawn ? drawn : first
	if (drawn) {
		for (made = 0; made < patients; made++)
			for (i = 1; i <= n; i++)
				of[made + 1, i] = dice(courses) + 1
	} else {
		for (i = 1; i <= n; i++)
			at[i] = i
		permute(n, 1)
	}
	if (what == "events") {
		for (place = 1; place <= n; place++)
			for (p = 1; p <= made; p++)
				write_event(p, place)
	} else {
		for (p = 1; p <= made; p++)
			if (what == "contacts")
				write_person(p, "id", "phone", ",\"tags\":[\"pnowcreate\"]")
			else
				write_person(p, "patientId", "cellPhone", "")
		print "]"
	}
}
