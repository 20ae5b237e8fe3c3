-- wrk: posts bodies of some 800 bytes, no two the same, with a token; the first argument makes them this run's. At the
-- end says how many got a 2xx, and how long 99 of 100 took at most.
local threads = 0

function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
end

function init(args)
	run, posted, padding = args[1] or "run", 0, string.rep("bring forms and be early, ", 20)
	head = { ["Content-Type"] = "application/json", ["X-Token"] = "open sesame, please" }
end

function request()
	posted = posted + 1
	local id = string.format("%s-%d-%d", run, number, posted)
	return wrk.format("POST", nil, head, string.format(
		'{"event":"AppointmentCreated","eventId":"%s","occurredAt":"2026-11-22T15:00:00Z","practiceId":"4711","data":'
			.. '{"appointmentId":"%s","patientId":"%d","firstName":"Ana","lastName":"Lopez","email":"ana@example.com",'
			.. '"status":"Scheduled","appointmentType":"Consult","comments":"%s"}}',
		id, id, posted % 5000, padding))
end

function done(summary, latency)
	io.write(string.format("acknowledged %d seconds %.3f p99 %.1f\n", summary.requests - summary.errors.status,
		summary.duration / 1e6, latency:percentile(99) / 1000))
end
