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
	local lately="hour>=strftime('%s','now')/3600-24"
	state_sql "$1" "BEGIN;
		SELECT 'event', * FROM (SELECT state, type, n FROM event_count WHERE n<>0
			EXCEPT SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2);
		SELECT 'uncounted', * FROM (SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2
			EXCEPT SELECT state, type, n FROM event_count);
		SELECT 'calls', * FROM (SELECT * FROM call_count EXCEPT SELECT type, count(DISTINCT i.seq), sum(calls), sum(patientnow_calls)
			FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq WHERE status NOT IN ('retried','dropped') GROUP BY 1);
		SELECT 'uncounted calls', count(DISTINCT type) FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq
			WHERE status NOT IN ('retried','dropped') AND type NOT IN (SELECT type FROM call_count) HAVING count(*)>0;
		SELECT 'answers', * FROM (SELECT hour, what, sum(n) FROM told WHERE what<>'warning' AND $lately GROUP BY 1, 2
			EXCEPT SELECT at/3600000 AS hour, status, count(*) FROM attempt WHERE $lately AND status NOT IN ('retried','dropped') GROUP BY 1, 2);
		SELECT 'uncounted answers', * FROM (SELECT at/3600000 AS hour, count(*) FROM attempt WHERE $lately AND status NOT IN ('retried','dropped') GROUP BY 1
			EXCEPT SELECT hour, sum(n) FROM told WHERE what<>'warning' GROUP BY 1);
		SELECT 'warnings', * FROM (SELECT coalesce(sum(n),0) FROM told WHERE what='warning' AND $lately
			EXCEPT SELECT count(*) FROM attempt, json_each(result,'$.warnings') WHERE at/3600000>=strftime('%s','now')/3600-24);
		SELECT 'body', key FROM body AS b WHERE text<>'' AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.seq=b.seq AND i.body=b.key)
			AND NOT EXISTS (SELECT 1 FROM cache AS c WHERE c.body=b.key)"
}

# state_events FILE [CONDITION]: how many events there are.
state_events()
{
	state_sql "$1" "SELECT count(*) FROM inbox AS i WHERE ${2:-1}"
}

# state_forget_answers FILE: nothing is known of PatientNow, nor of its lists.
state_forget_answers()
{
	state_sql "$1" 'DELETE FROM cache; DELETE FROM useless_list'
}

# state_calls FILE: the calls of PatientNow that were counted, on all days. state_calls_set FILE N: so many were made today.
state_calls()
{
	state_sql "$1" "SELECT coalesce(sum(used),0) FROM quota WHERE api='patientnow'"
}
state_calls_set()
{
	state_sql "$1" "INSERT INTO quota(api,day,used) VALUES('patientnow',strftime('%Y-%m-%d','now'),$2)
		ON CONFLICT(api,day) DO UPDATE SET used=excluded.used"
}

# state_later FILE WHAT MS: so much time passes for what was done or asked in the CRM (effect), for a patient who is being made
# (creation), for lists of names (name_list), for leads (contact). state_tokens_end FILE: and all tokens of the CRM have expired.
state_later()
{
	local -A moment_of=([effect]=at [creation]=begun [name_list]=asked [contact]=asked)
	state_sql "$1" "UPDATE $2 SET ${moment_of[$2]} = ${moment_of[$2]} - $3"
}
state_tokens_end()
{
	state_sql "$1" 'UPDATE token SET expires = 1 WHERE expires > 0'
}

# state_outage_due FILE: it is time to ask again whether a secret is taken, and what was put off is due.
state_outage_due()
{
	state_sql "$1" "UPDATE outage SET next = 0; UPDATE inbox SET due = 0 WHERE state = 'waiting'"
}

# state_ledger FILE: all that the ledger holds.
state_ledger()
{
	state_sql "$1" 'SELECT * FROM contact; SELECT * FROM opportunity; SELECT * FROM subject; SELECT * FROM event; SELECT * FROM effect;
		SELECT * FROM bill; SELECT * FROM latest; SELECT * FROM lifetime; SELECT * FROM creation'
}

# state_settle FILE: every event is done, and has an attempt that says so; quicker than a run.
state_settle()
{
	state_sql "$1" "BEGIN; UPDATE inbox SET state='done', attempts=1, settled=received+1000;
		INSERT INTO attempt(event_seq,at,status,contact,calls,result) SELECT seq, settled, 'done', 'c'||patient, 4,
			json_object('id', id, 'status', 'done', 'patient_id', patient, 'contact_id', 'c'||patient, 'calls', 4) FROM inbox;
		INSERT INTO told SELECT at/3600000, status, '', count(*) FROM attempt GROUP BY 1, 2; COMMIT"
}
