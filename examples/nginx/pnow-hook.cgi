#!/bin/sh
# pnow-hook as a CGI program, for any web server. The script's own arguments are not passed on: some servers make them of
# the query. What pnow-hook and the command have to say goes to the server's error log.
#
# Events are stored in the practice's inbox, and `pnow-inbox run -- pnow-sync` carries them out. The second line, instead of
# the first, is the way without an inbox: each event is carried out before its sender is answered.
exec /usr/local/bin/pnow-hook -c /etc/pnow/glow-denver.json
#exec /usr/local/bin/pnow-hook -c /etc/pnow/glow-denver.json -- /usr/local/bin/pnow-sync -c /etc/pnow/glow-denver.json
