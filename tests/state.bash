# shellcheck shell=bash
# What the tests know of a state file's tables, beside ids and states in "inbox". Sourced by tap.sh. CONDITION is one on i, an event,
# and a, an attempt.

# state_sql FILE SQL
state_sql()
{
	sqlite3 -cmd '.timeout 20000' "$1" "$2"
}

# state_bodies FILE [CONDITION]: the lines of events, in their order.
state_bodies()
{
	state_sql "$1" "SELECT b.text FROM inbox AS i JOIN body AS b ON b.key=i.body WHERE ${2:-1} ORDER BY i.seq"
}

# state_attempts FILE COLUMNS [CONDITION]: columns of attempts and their events, in the order of both.
state_attempts()
{
	state_sql "$1" "SELECT $2 FROM inbox AS i JOIN attempt AS a ON a.event_seq=i.seq WHERE ${3:-1} ORDER BY i.seq, a.seq"
}

# state_answer FILE KIND ID FETCHED BODY: an answer of PatientNow that is in the cache.
state_answer()
{
	state_sql "$1" "INSERT INTO answer(kind,id,from_list,fetched,body) VALUES('$2','$3',0,$4,'$5')"
}

# state_recount FILE: each count that is kept and is not what is there.
state_recount()
{
	state_sql "$1" "BEGIN;
		SELECT 'event', * FROM (SELECT state, type, n FROM event_count WHERE n<>0
			EXCEPT SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2);
		SELECT 'uncounted', * FROM (SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2
			EXCEPT SELECT state, type, n FROM event_count);
		SELECT 'calls', * FROM (SELECT * FROM call_count EXCEPT SELECT type, count(DISTINCT i.seq), sum(calls), sum(patientnow_calls)
			FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq WHERE status NOT IN ('retried','dropped') GROUP BY 1);
		SELECT 'uncounted calls', count(DISTINCT type) FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq
			WHERE status NOT IN ('retried','dropped') AND type NOT IN (SELECT type FROM call_count) HAVING count(*)>0;
		SELECT 'body', key FROM body AS b WHERE text<>'' AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.seq=b.seq AND i.body=b.key)
			AND NOT EXISTS (SELECT 1 FROM cache AS c WHERE c.body=b.key)"
}
