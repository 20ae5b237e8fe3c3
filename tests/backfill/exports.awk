# Years of a practice's exports, the same in every run: -v patients=N -v bills=M -v folder=DIR. Writes patients.csv, bills.csv
# (a row for each item, no total), appointments.csv and memberships.csv (a tenth and a hundredth of the bills), and "sums", the
# lifetime value of each patient that has a bill, by e-mail.
function below(n) { return int(rand() * n) }
function money(cents) { return sprintf("%s%d.%02d", cents < 0 ? "-" : "", abs(cents) / 100, abs(cents) % 100) }
function abs(n) { return n < 0 ? -n : n }
function day() { return sprintf("%02d/%02d/20%02d", 1 + below(12), 1 + below(28), 18 + below(8)) }
BEGIN {
	srand(4)
	out = folder "/patients.csv"
	print "Patient ID,First Name,Last Name,Email,Cell Phone,Gender,Date of Birth,Referral Source" > out
	for (i = 1; i <= patients; i++)
		printf "%d,Pat%d,\"O'Hara, %d\",p%d@example.com,,%s,%02d/%02d/19%02d,Google\n", 100000 + i, i, i, i,
			i % 2 ? "F" : "M", 1 + i % 12, 1 + i % 28, 30 + i % 60 > out
	out = folder "/bills.csv"
	print "Bill ID,Patient ID,Bill Date,Provider,Description,Amount" > out
	for (b = 1; b <= bills; b++) {
		p = 1 + below(patients)
		date = day()
		for (items = 1 + below(3); items > 0; items--) {
			cents = below(20) ? below(100000) : -below(10000)
			sum[p] += cents
			printf "%d,%d,%s,Dr. Reyes,Item %d,%s\n", 500000 + b, 100000 + p, date, items, money(cents) > out
		}
	}
	for (p in sum)
		printf "p%d@example.com\t%s\n", p, money(sum[p]) > (folder "/sums")
	out = folder "/appointments.csv"
	print "Appointment ID;Patient ID;Appointment Type;Status;Start Time" > out
	for (i = 1; i <= bills / 10; i++)
		printf "%d;%d;Botox;%s;%s 3:30 PM\n", 800000 + i, 100001 + below(patients), below(5) ? "Checked Out" : "No Show", day() > out
	out = folder "/memberships.csv"
	print "Membership ID\tPatient ID\tProgram Name\tSold Date\tAmount" > out
	for (i = 1; i <= bills / 100; i++)
		printf "%d\t%d\tGlow Club\t%s\t129.00\n", 700000 + i, 100001 + below(patients), day() > out
}
