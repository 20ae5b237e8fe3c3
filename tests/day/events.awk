# What happens at a practice, the same for the same seed: awk -v seed=N -v day=N -v url=… -v hours=N -v events=N -v mix=all
# -v patients=N -v known=N -v bursts=60@0:30,… -f events.awk
# Writes SECOND METHOD URL BODY for each event of the day, in order: changes in PatientNow, each of which sends a webhook. The
# first patients are known to the CRM; the others are others on every day, the first of them after so many (others) that come at
# another time. Appointments get the ids 10001, 10002 ..., where none were made before (appointments).

# A number from 0 to less than n.
function random(n) { state = state * 16807 % 2147483647; return state / 2147483647 * n }
function one_of(n) { return int(random(n)) }

# An event at random between two seconds, in its place among the others.
function add(from, to, booking,  time, i)
{
	time = from + random(to - from)
	for (i = ++count; i > 1 && times[i - 1] > time; i--) {
		times[i] = times[i - 1]
		bookings[i] = bookings[i - 1]
	}
	times[i] = time
	bookings[i] = booking
}

# The times of a day.
function plan(  i, burst, clock, n)
{
	count = 0
	for (i = 0; i < events; i++)
		add(0, hours * 3600, 0)
	n = bursts == "-" ? 0 : split(bursts, burst, ",")
	for (; n > 0; n--) {
		split(burst[n], clock, /[@:]/)
		for (i = 0; i < clock[1]; i++)
			add(clock[2] * 3600 + clock[3] * 60, clock[2] * 3600 + clock[3] * 60 + 60, 1)
	}
}

function happens(time, method, path, body)
{
	if (today == day)
		printf "%.3f %s %s/%s?practiceId=4711 {%s}\n", time, method, url, path, body
}

function patient(  p) { p = 1 + one_of(patients); return 20000 + (p <= known ? p : p + others + (today - 1) * (patients - known)) }

function book(time)
{
	open[++open_n] = 10000 + ++appointments
	happens(time, "POST", "appointments", sprintf("\"patientId\":\"%d\",\"appointmentType\":\"%s\",\"status\":\"Booked\"," \
		"\"startTime\":\"2027-01-%02dT%02d:00:00-07:00\",\"provider\":\"Dr. Reyes\",\"facility\":\"Main\"", patient(), \
		types[1 + one_of(4)], 1 + one_of(28), 8 + one_of(10)))
}

function change(time,  i)
{
	i = 1 + one_of(open_n)
	happens(time, "PUT", "appointments/" open[i], sprintf("\"status\":\"%s\"", statuses[1 + one_of(5)]))
	open[i] = open[open_n--]
}

# In a hundred of all: 31 bookings, 25 changes of appointments, 26 bills, 10 changes of patients and 4 new ones, 4
# memberships. mix=appointments: the appointments alone.
function event(time,  what)
{
	what = one_of(mix == "appointments" ? 56 : 100)
	if (what < 31 || (what < 56 && !open_n))
		book(time)
	else if (what < 56)
		change(time)
	else if (what < 82)
		happens(time, "POST", "billing", sprintf("\"patientId\":\"%d\",\"total\":\"%d.%02d\",\"items\":[{\"description\":" \
			"\"Botox\",\"amount\":\"1\"}]", patient(), one_of(900), one_of(100)))
	else if (what < 92)
		happens(time, "PUT", "patients/" patient(), sprintf("\"cellPhone\":\"(720) 400-%04d\"", ++phones))
	else if (what < 96)
		happens(time, "POST", "patients", sprintf("\"firstName\":\"New%d\",\"lastName\":\"Comer\",\"email\":" \
			"\"new%d@example.com\",\"cellPhone\":\"(720) 300-%04d\"", ++news, news, news))
	else
		happens(time, "POST", "memberships", sprintf("\"patientId\":\"%d\",\"programName\":\"Glow Club\"," \
			"\"soldDate\":\"2026-12-01\",\"amount\":\"99.00\"", patient()))
}

BEGIN {
	state = seed * 7919 % 2147483646 + 1
	one_of(2)
	split("Botox,Hydrafacial,Laser,Rhinoplasty Consult", types, ",")
	split("Checked Out,Checked Out,Checked Out,Cancelled,No Show", statuses, ",")
	for (today = 1; today <= day; today++) {
		plan()
		for (i = 1; i <= count; i++)
			if (bookings[i])
				book(times[i])
			else
				event(times[i])
	}
}
