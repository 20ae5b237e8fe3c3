# shellcheck shell=bash
# A burst: 300 bills of 40 patients come at once, as webhooks with ids only, without limits, and both APIs answer at once. How long
# it takes from the first that goes into the inbox to the last call of the CRM; then with one patient's lookup held back for 30 s,
# to the last call for anybody else. The state is on a disk, in the folder BENCH_DISK, since much of it is waiting for that.
# shellcheck disable=SC2154 # from common.bash

# bills: the webhooks.
bills()
{
	jq -nc '(now | todate) as $now | range(300) | {id: "burst-\(.)", practice: "glow-denver", received: $now, occurred: $now,
		payload: {event: "PatientBillCompleted", data: {billId: "\(70000 + .)", patientId: "\(10234 + . % 40)"}}}'
}

# are_settled N: whether so many of them are.
are_settled()
{
	[ "$(pnow-inbox stat | jq .done)" = "$1" ]
}

# burst NAME SETTLED: until so many are settled; a row with the seconds and the calls.
burst()
{
	local began calls seconds
	practice "$disk/$1" '.patientnow.daily_limit = 1000000'
	pnow-inbox run -- pnow-sync 2>run.err &
	started+=($!)
	sleep 1 # it is idle then
	curl -sS -X DELETE "$api/_/requests" >requests
	began=$EPOCHREALTIME
	bills | pnow-inbox add >added
	until are_settled "$2"; do sleep 0.1; done
	read -r seconds calls < <(curl -sS "$api/_/requests" | jq -rs --argjson began "$began" '
		map(select(.api == "crm")) | "\(map(.at | (.[:19] + "Z" | fromdate) + (.[20:23] | tonumber) / 1000) | max - $began) \(length)"')
	row "  $1" "$(calculate "$seconds" %.2f)" "$calls"
	kill -KILL "${started[-1]}"
	stop
}

bench_burst()
{
	local disk=${BENCH_DISK:-$root/.build/burst}
	local seed_more
	# shellcheck disable=SC2034 # of common.bash
	seed_more='.patientnow.billing = [range(300) | {billId: "\(70000 + .)", patientId: "\(10234 + . % 40)", total: "12.50"}]'
	rm -rf "$disk"
	mkdir -p "$disk"
	title '300 bills of 40 patients at once' seconds calls
	sandbox 40
	burst 'all' 300
	stop
	sandbox 40
	curl -sS "$api/_/faults" -d '{"fault":"delay","ms":30000,"api":"patientnow","path":"10234","count":1}' >fault.out
	burst 'all but one, whose lookup hangs' 292
	stop
	rm -rf "$disk"
}
