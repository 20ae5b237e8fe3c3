# Writes made-up events of made-up patients, the same ones for the same seed:
# awk -v what=events|patients -v seed=N -v events=N -v patients=N -f events.awk
# Events: KEY, ID and BODY of a webhook, between tabs; those with the same key are to be posted in this order. Patients: a
# line of JSON for each. Every tenth patient shares e-mail and phone, and so the contact, with the one before; every 97th
# has neither.

# A number from 0 up to n - 1.
function dice(n) { random = (random * 16807) % 2147483647; return int(random / 2147483647 * n) }

# The time of a minute; months have 28 days.
function time(minutes,  day)
{
	minutes += 1440
	day = int(minutes / 1440)
	return sprintf("%d-%02d-%02dT%02d:%02d:00-07:00", 2020 + int(day / 336), int(day / 28) % 12 + 1, day % 28 + 1, \
		int(minutes / 60) % 24, minutes % 60)
}

# Whether the patient has the contact of the one before.
function second(p) { return p % 10 == 0 }
function nobody(p) { return p % 97 == 0 && !second(p) && !second(p + 1) }
function person(p) { return second(p) ? p - 1 : p }
function email(p) { p = person(p); return nobody(p) || p % 13 == 0 ? "" : "p" p "@example.com" }
function phone(p) { p = person(p); return nobody(p) || p % 11 == 0 ? "" : sprintf("+1720%07d", 3000000 + p) }

function patient(p, name)
{
	return sprintf("\"patientId\":\"%d\",\"firstName\":\"%s\",\"lastName\":\"Last%d\",\"email\":\"%s\",\"cellPhone\":\"%s\"," \
		"\"gender\":\"F\",\"dateOfBirth\":\"1984-03-02\"", 100000 + p, name, p, email(p), phone(p))
}

function money(cents) { return sprintf("%s%d.%02d", cents < 0 ? "-" : "", cents < 0 ? -cents / 100 : cents / 100, \
	cents < 0 ? -cents % 100 : cents % 100) }

function emit(p, event, when, body)
{
	n++
	printf "%d\te%06d\t{\"event\":\"%s\",\"eventId\":\"e%06d\",\"occurredAt\":\"%s\",\"practiceId\":\"4711\",\"data\":{%s}}\n", \
		p, n, event, n, time(when), body
}

function visit(p, id, status, when)
{
	status_of[id] = status
	emit(p, status == "Booked" && dice(2) ? "AppointmentCreated" : "AppointmentStatusChanged", when, \
		sprintf("%s,\"appointmentId\":\"A%d\",\"appointmentType\":\"%s\",\"status\":\"%s\",\"startTime\":\"%s\"," \
		"\"provider\":\"Dr. Reyes\",\"facility\":\"Main\",\"reason\":\"Reason %d\",\"comments\":\"\"," \
		"\"eventType\":\"Office Visit\"", patient(p, "First" n), id, type_of[id], status, start_of[id], id % 7))
}

function new_visit(p)
{
	visits++
	type_of[visits] = types[dice(10) + 1]
	start_of[visits] = time(500000 + dice(100000))
	began[visits] = n
	visits_of[p, ++visits_n[p]] = visits
	visit(p, visits, "Booked", n)
}

# Something about a visit that is known: another status; again as it is; another time; or what came late and is older.
function old_visit(p,  id)
{
	id = visits_of[p, dice(visits_n[p]) + 1]
	if (dice(10) == 0) {
		visit(p, id, status_of[id], n)
	} else if (dice(10) == 0) {
		kept = status_of[id]
		visit(p, id, "Confirmed", began[id] - 1)
		status_of[id] = kept
	} else if (dice(4) == 0) {
		start_of[id] = time(500000 + dice(100000))
		visit(p, id, "Booked", n)
	} else {
		visit(p, id, statuses[dice(4) + 1], n)
	}
}

function bill(p,  id, cents)
{
	if (bills_n[p] && dice(5) == 0) {
		id = bills_of[p, dice(bills_n[p]) + 1]
	} else {
		id = bills_of[p, ++bills_n[p]] = ++bills
	}
	cents = dice(25) == 0 ? -dice(5000) : dice(12) == 0 ? 0 : dice(200000)
	emit(p, "PatientBillCompleted", n, sprintf("%s,\"billId\":\"B%d\",\"total\":%s,\"billDate\":\"2020-01-01\"," \
		"\"provider\":\"Nurse Kim\",\"facility\":\"Main\",\"items\":[{\"description\":\"Botox\",\"amount\":\"1.00\"}," \
		"{\"description\":\"Dysport\",\"amount\":\"2.00\"}]", patient(p, "First" n), id, \
		dice(2) ? money(cents) : "\"" money(cents) "\""))
}

function membership(p)
{
	emit(p, "MembershipCreated", n, sprintf("%s,\"membershipId\":\"M%d\",\"programName\":\"Club %d\"," \
		"\"soldDate\":\"2020-01-01\",\"amount\":\"99.00\",\"status\":\"Active\"", patient(p, "First" n), ++memberships, dice(3)))
}

# Any event. The second one of a contact has no visits: whose came last could not be told.
function any(p,  die)
{
	die = dice(100)
	if (die < 22 && !second(p))
		new_visit(p)
	else if (die < 50 && visits_n[p] && !second(p))
		old_visit(p)
	else if (die < 75)
		bill(p)
	else if (die < 85)
		membership(p)
	else if (die < 90)
		emit(p, "PatientCreated", n, patient(p, "First" n))
	else if (die < 98)
		emit(p, "PatientUpdated", n, patient(p, "First" n))
	else if (die < 99)
		emit(p, "PatientUpdated", n, sprintf("\"patientId\":\"%d\"", 100000 + p))
	else
		emit(p, "WaitlistChanged", n, sprintf("\"patientId\":\"%d\"", 100000 + p))
}

BEGIN {
	random = seed * 7919 % 2147483646 + 1
	for (i = 0; i < 10; i++)
		dice(2)
	split("Rhinoplasty Consult,Rhinoplasty,Facelift Consult,Injectables Consult,Botox,Hydrafacial,Laser,Pre-Op Visit," \
		"Post-Op Visit,Something Else", types, ",")
	split("Booked,Checked Out,Cancelled,No Show", statuses, ",")
	for (p = 1; what == "patients" && p <= patients; p++)
		printf "{%s,\"key\":\"%s\",\"seeded\":%s}\n", patient(p, "Seed" p), email(p) != "" ? email(p) : phone(p), \
			p % 7 == 0 && !second(p) && !nobody(p) && email(p) != "" ? "true" : "false"
	while (what == "events" && n < events)
		any(dice(patients) + 1)
}
