# Four weeks of a made-up practice, as "pnow-inbox results" writes them: what pnow-report's sample is made of. jq -nc -f sample.jq
def time: (floor | todate | rtrimstr("Z")) + ".000Z";

1793602800 as $start # Monday, 2 November 2026, midnight in Denver
| ["Botox", "Dysport", "Hydrafacial", "Juvederm Voluma", "Microneedling"] as $services
| ["Consult Booked", "Consult Complete", "Surgery Scheduled", "Surgery Complete"] as $surgical
| {practice: "glow-denver", configuration: "/etc/pnow/glow-denver.json", timezone: "America/Denver",
	since: ($start | time), until: ($start + 28 * 86400 | time), patientnow_limit: 1000,
	crm_limits: [{location_id: "ve9EPM428h8vShlRW1KT", day_max: 200000}],
	pipelines: [{name: "Surgical", stages: $surgical, lost: "Cancelled / No-Show"},
		{name: "Non-Surgical", stages: ["Booked", "Patient"], lost: "Cancelled / No-Show"}]},
(foreach (range(28) as $day
		| range([52, 61, 58, 64, 49, 23, 0][$day % 7] + ($day * 5 % 9)
			- (if $day % 7 == 6 then $day * 5 % 9 elif $day == 24 then 58 else 0 end)) # Sundays, Thanksgiving
		| {day: $day, place: .}) as $event
	({n: 0, dice: 7, visits: {}};
		.n += 1
		| .dice = (.dice * 1103515245 + 12345) % 2147483648
		| .throw = (.dice / 65536 | floor)
		| .patient = 10000 + .throw % 310
		| .type = ["appointment.booked", "appointment.status", "appointment.status", "bill.completed", "patient.updated", "patient.created"][.throw % 6]
		| (.throw % 100) as $hundred
		| .state = (if .n % 211 == 40 then "dead" elif $hundred < 3 then "skipped" elif $hundred < 7 then "ignored" elif $hundred < 16 then "unchanged"
			else "done" end)
		| if .state == "done" and (.type | startswith("appointment")) then .visits["\(.patient)"] += 1 else . end; # each visit is a stage further
		.state as $state | .type as $type | .throw as $throw
		| ($start + ($event.day * 86400) + 28800 + $event.place * 560) as $at
		| {id: "evt-\(1000 + .n)", $type, practice: "glow-denver", patient_id: "\(.patient)",
			status: (if $state == "dead" then "failed" else $state end), $state,
			calls: (if $state == "done" then 4 else 0 end), patientnow_calls: ($throw % 2),
			received: ($at | time), at: ($at + 1 + ($throw % 4) + (if $throw % 90 == 0 then 21 else 0 end) | time), warnings: [],
			actions: (if $state != "done" then []
				elif $type == "bill.completed" then $services[$throw % 5] as $name | "\(150 + $throw % 23 * 50).00" as $amount
					| [{op: "ltv.add", $amount, items: [{$name, $amount}]}]
				elif $type | startswith("appointment") then
					(if .patient % 3 == 0 then {pipeline: "Surgical", stages: $surgical} else {pipeline: "Non-Surgical", stages: ["Booked", "Patient"]} end) as $p
					| [{op: "opportunity.move", pipeline: $p.pipeline, stage: $p.stages[[.visits["\(.patient)"], ($p.stages | length)] | min - 1]}]
				else [] end)}
		+ if $state == "dead" then {error: {code: "not_found", message: "patient \(.patient): 404"}}
			elif $state == "skipped" then {reason: "no e-mail and no phone, and no contact is known for this patient"}
			elif $state == "ignored" then {reason: "an appointment without a patient"}
			elif $type == "appointment.booked" and $throw % 17 == 0 then {uncategorized: "Tattoo Removal"}
			else {} end))
