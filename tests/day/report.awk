# What a day was like, from row.bash's N.events, and the N.calls of this day and those before: awk -F'\t' -v name=… -v p50=… -v p99=… -v longest=… -v calls=…
# -v limit=… -f report.awk EVENTS CALLS…; the bounds are those of the table. first50, first99 and first_mean are the p50, p99 and
# mean of the first day, where this is another: a tenth and a second more is no worse. The last line is "holds" or "does not hold: …".

function seconds(ms) { return sprintf(ms < 10000 ? "%.1f" : "%.0f", ms / 1000) }

# The share q of n values is as small as this.
function quantile(values, n, q,  i)
{
	i = int(q * n)
	return values[i < q * n ? i + 1 : i ? i : 1]
}

function sort(values, n,  i, j, value, step)
{
	for (step = int(n / 2); step; step = int(step / 2))
		for (i = step + 1; i <= n; i++) {
			value = values[i]
			for (j = i; j > step && values[j - step] > value; j -= step)
				values[j] = values[j - step]
			values[j] = value
		}
}

function judge(what, is, most)
{
	if (most != "-" && is > most)
		broken = broken (broken ? ", " : "") what " " is " > " most
}

# The longest part of a wait is what the event waited for.
function add(part, ms)
{
	sums[part] += ms
	total += ms
	if (ms > parts[best])
		best = part
	parts[part] = ms
}

# An event's wait has parts: behind the earlier event of its patient, for others that share its list or for its turn, as
# pnow-enrich says, at the CRM, and the rest.
FNR == NR {
	events++
	unsettled += $5 == ""
	dead += $6 == "dead"
	wait[events] = $5 - $4
	waited += wait[events]
	behind = $3 in last && last[$3] > $4 ? ($5 < last[$3] ? $5 : last[$3]) - $4 : 0
	late += $3 in last && last[$3] > $5
	last[$3] = $5
	best = 0
	add(1, behind)
	add(2, $11 == "gathering" ? $10 : 0)
	add(3, $11 == "spread" ? $10 : 0)
	add(4, $9 < wait[events] - behind ? $9 : wait[events] - behind)
	rest = wait[events] - behind - parts[2] - parts[3] - parts[4]
	add(5, rest > 0 ? rest : 0)
	why[best, ++why_n[best]] = wait[events]
	if (wait[events] > slowest) {
		slowest = wait[events]
		who = sprintf("%s, event %d of the inbox: %s s behind its patient's, %s s gathering, %s s spread, %s s at the CRM, " \
			"%s s the rest", $2, $1, seconds(behind), seconds(parts[2]), seconds(parts[3]), seconds(parts[4]), seconds(parts[5]))
	}
	next
}

{
	day = substr($1, 1, 10)
	if (!(day in asked))
		days[++day_n] = day
	asked[day]++
	lists[day] += $2 ~ /updatedSince/
	most = asked[day] > most ? asked[day] : most
}

END {
	split("an earlier event of its patient|others that share a list|the turn of a call|the CRM|answers, and the rest", words, "|")
	sort(wait, events)
	printf "%-20s %6d %8s %8s %8s %8s %8s %6d %5d\n", name, events, seconds(quantile(wait, events, 0.5)),
		seconds(quantile(wait, events, 0.9)), seconds(quantile(wait, events, 0.99)), seconds(wait[events]), seconds(waited / events),
		most, dead
	for (w = 1; w <= 5; w++) {
		n = why_n[w] + 0
		for (i = 1; i <= n; i++)
			some[i] = why[w, i]
		sort(some, n)
		if (n)
			printf "  %-34s %6d events, p50 %s, p99 %s s; of all waiting %d %%\n", words[w], n, seconds(quantile(some, n, 0.5)),
				seconds(quantile(some, n, 0.99)), sums[w] * 100 / total
	}
	print "  longest: " who
	for (i = 1; i <= day_n; i++)
		printf "  %s (UTC): %d calls, %d of them lists\n", days[i], asked[days[i]], lists[days[i]]
	judge("p50", quantile(wait, events, 0.5) / 1000, p50)
	judge("p99", quantile(wait, events, 0.99) / 1000, p99)
	judge("p50, beside the first day,", quantile(wait, events, 0.5) / 1000, first50 ? first50 * 1.1 + 1 : "-")
	judge("p99, beside the first day,", quantile(wait, events, 0.99) / 1000, first99 ? first99 * 1.1 + 1 : "-")
	judge("mean, beside the first day,", waited / events / 1000, first_mean ? first_mean * 1.1 + 1 : "-")
	judge("longest", wait[events] / 1000, longest)
	judge("calls", most, calls)
	judge("dead", dead, 0)
	judge("not settled", unsettled, 0)
	judge("out of order", late, 0)
	judge("calls, without the reserve,", most, limit)
	print broken ? "  does not hold: " broken : "  holds"
}
