#!/usr/bin/env bash
# What pnow-operations(7) promises of TLS: the hook, behind its fence and with roles.sql's role, and pnow-inbox reach a database that takes
# nothing but TLS and passwords, however libpq is told of them, also after it was restarted; the passwords are seen nowhere, and what
# is wrong is told in one line.
# shellcheck disable=SC2154 # tap.sh sets root, work and started
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"
# shellcheck source=tests/postgres.bash
. "$root/tests/postgres.bash"
if ! command -v openssl >out || ! postgres_programs >out; then
	printf '1..0 # SKIP no PostgreSQL or no openssl here\n'
	exit
fi

# sql DATABASE: as postgres_psql.
sql()
{
	PGPORT=$db_port postgres_psql "$CLUSTER" "$1"
}

# certificate NAME: NAME.key and NAME.crt, which has signed itself, for localhost.
certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=database -addext subjectAltName=DNS:localhost \
		-keyout "$1.key" -out "$1.crt" 2>"$1.err"
}

# conf NAME URI: a configuration.
conf()
{
	jq --arg uri "$2" '.state = $uri' token.json >"$1.json"
}

umask 077
db_port=$(free_port)
export PNOW_POSTGRES=$work/cluster PNOW_POSTGRES_OWNER=$$ XDG_RUNTIME_DIR=$work POSTGRES_SETTINGS="
	listen_addresses = 'localhost'
	port = $db_port"
(PGPORT=$db_port postgres_start) || { printf 'Bail out! PostgreSQL does not start\n'; exit 1; }
CLUSTER=$(<cluster) own_cluster=yes # ends with the test
certificate server
certificate other
cp server.key server.crt "$CLUSTER/data"
chown --reference="$CLUSTER/data" "$CLUSTER/data/server".*
printf '%s\n' 'local all postgres trust' 'hostssl pnow pnow,pnow_hook all scram-sha-256' >"$CLUSTER/data/pg_hba.conf"
printf '%s\n' owner-lapwing hook-lapwing >passwords
sql postgres <<<'ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf(); CREATE DATABASE pnow' >out
sql pnow <"$root/examples/postgresql/roles.sql" >out
sql pnow <<<"ALTER ROLE pnow PASSWORD 'owner-lapwing'; ALTER ROLE pnow_hook PASSWORD 'hook-lapwing'"
until_true env PGSSLMODE=require PGPASSWORD=owner-lapwing psql -h localhost -p "$db_port" -U pnow -d pnow -c 'SELECT 1'

at=localhost:$db_port
tls="sslmode=verify-full&sslrootcert=$work/server.crt"
printf '*:*:*:pnow:%s\n*:*:*:pnow_hook:%s\n' owner-lapwing hook-lapwing >passfile
for role in pnow pnow_hook; do
	printf '[%s]\nhost=localhost\nport=%s\ndbname=pnow\nuser=%s\nsslmode=verify-full\nsslrootcert=%s\npassword=' \
		"$role" "$db_port" "$role" "$work/server.crt"
	grep "$([ "$role" = pnow ] && echo owner || echo hook)" passwords
done >services

# wrong PROMISE URI WORDS: what is said of a database that cannot be used, and the exit status.
wrong()
{
	conf wrong "$2"
	like "$1" "$(pnow-inbox -c wrong.json list 2>&1) $?" "pnow-inbox: cannot use the state database $2#token: $3 69"
}
with="&passfile=$work/passfile"
wrong 'no password: it says where to give it' "postgresql://pnow@$at/pnow?$tls" \
	'*: fe_sendauth: no password supplied: give it in a password file or a service file, of mode 0600'
wrong 'another certificate: it says what sslrootcert must be' "postgresql://pnow@$at/pnow?${tls/server/other}$with" \
	"*certificate verify failed: sslrootcert must be the certificate of who signed the server's"
wrong 'no certificate' "postgresql://pnow@$at/pnow?${tls/server/none}$with" \
	"*root certificate file \"$work/none.crt\" does not exist: sslrootcert must be the certificate of who signed the server's"
wrong 'another name' "postgresql://pnow@$at/pnow?$tls$with&host=127.0.0.1" \
	'*does not match host name "127.0.0.1": the host must be named as its certificate names it'
wrong 'no TLS' "postgresql://pnow@$at/pnow?sslmode=disable$with" '*no pg_hba.conf entry for host *no encryption'
wrong 'of two hosts, what each says' "postgresql://pnow@localhost:1,$at?$tls" \
	'connection to server *port 1 failed: Connection refused; connection to server *: fe_sendauth: no password supplied: give it *'
sed 's/lapwing/plover/' passfile >other.passfile
wrong 'another password' "postgresql://pnow@$at/pnow?$tls&passfile=$work/other.passfile" \
	'*password authentication failed for user "pnow": look at its password file or service file'
wrong 'no such service' 'postgresql:///?service=pnow' 'definition of service "pnow" not found'

conf owner "postgresql://pnow@$at/pnow?$tls$with"
is 'the tables are made' "$(pnow-inbox -c owner.json list 2>&1)" ''
wrong 'a role that may not yet' "postgresql://pnow_hook@$at/pnow?$tls$with" '*permission denied for *: have roles.sql run again'
sql pnow <"$root/examples/postgresql/roles.sql"
listen wrong -c wrong.json
body='{"event":"PatientCreated","eventId":"e0","data":{"patientId":"1"}}'
post /hook/token/patientnow -H "$token"
is 'a hook that may is taken in' "$status $(<wrong.err)" '200 '
stop
conf wrong "postgresql://pnow_hook@$at/pnow?${tls/server/other}$with"
listen wrong -c wrong.json
post /hook/token/patientnow -H "$token"
like 'the hook says it, too, and whole' "$(<wrong.err)" \
	"pnow-hook: cannot use *certificate verify failed: sslrootcert must be the certificate of who signed the server's"
is 'its sender comes again' "$status" 503
stop

cat >look.sh <<END
#!/bin/sh
# A pipeline: looks for passwords in the list of processes.
cat /proc/[0-9]*/cmdline 2>/dev/null | grep -a -f $work/passwords >>$work/seen
jq -c --unbuffered '{id, status: "done"}' | tee -a $work/handled
END
chmod +x look.sh

# taken ID: an event comes in.
taken()
{
	body='{"event":"PatientCreated","eventId":"'$1'","data":{"patientId":"1"}}'
	post /hook/token/patientnow -H "$token"
	[ "$status" = 200 ]
}

# goes BY: the hook takes an event, and another one when the server was restarted; both are carried out.
goes()
{
	local server
	: >handled
	listen hook -v -c hook.json
	holds "by $1 an event is stored" taken "$1-1"
	server=$(<"$CLUSTER/server")
	kill -QUIT "$server"
	until_true gone "$server"
	holds "by $1 one is when the server was restarted" until_true taken "$1-2"
	is "by $1 they are settled" "$(pnow-inbox -c owner.json run -1 -- ./look.sh 2>&1) $(jq -r "select(.id | startswith(\"$1\")).id" handled | xargs)" " $1-1 $1-2"
	stop
	cat hook.err >>said
}
conf hook "postgresql://pnow_hook@$at,localhost/pnow?$tls$with"
goes passfile
if grep -q 'connects to no port but' hook.err; then
	like 'of a host without a port the usual one is left' "$(<hook.err)" "*connects to no port but $db_port, 5432, 53;*"
else
	skip 'of a host without a port the usual one is left' 'no Landlock of version 4 here'
fi
conf hook "postgresql://pnow_hook@$at/pnow?$tls" && conf owner "postgresql://pnow@$at/pnow?$tls"
PGPASSFILE=$work/passfile goes PGPASSFILE
conf hook 'postgresql:///?service=pnow_hook' && conf owner 'postgresql:///?service=pnow'
PGSERVICEFILE=$work/services goes service
is 'the passwords are in no list of processes, no log, no configuration' \
	"$(cat seen)$(grep -f passwords -- *.json *.err *.out said "$CLUSTER/log")" ''
finish
