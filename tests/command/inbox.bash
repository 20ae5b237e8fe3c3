# shellcheck shell=bash
# What the tests of what pnow-inbox tells share: events of the practice glow, and what became of them. Sourced, never run.

# put ID...: events that wait, each of its own patient.
put()
{
	local id
	for id in "$@"; do
		printf '{"id":"%s","type":"patient.updated","practice":"glow","payload":{},"patient":{"id":"p%s","last_name":"Zanzibar"}}\n' "$id" "$id"
	done | pnow-inbox add >added
}

# settle RESULTS: what waits gets these results, an object by id.
settle()
{
	pnow-inbox run -1 -- jq -c --unbuffered "{id} + ($1)[.id]" 2>/dev/null
}
