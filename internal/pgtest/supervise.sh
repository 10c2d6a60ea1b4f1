#!/bin/sh
# Runs one throwaway PostgreSQL server and outlives its owner by a moment.
#
#   supervise.sh DIRECTORY keep|discard POSTGRES [ARGUMENT...]
#
# Orders arrive as lines on standard input, and each is answered by one line:
#
#   start PORT        ready, or failed when the server ended instead (see DIRECTORY/log)
#   fast, immediate   stopped
#
# The end of the input means that the owner is gone, however it went: a kill -9
# closes a pipe too. Then the server is stopped and its directory deleted.
set -u
directory=$1 afterwards=$2
shift 2
server=

running() { [ -n "$server" ] && kill -0 "$server" 2>/dev/null; }

# The server notes in its lock file who it is and, at last, that it is ready.
# The process id is compared because a crash leaves an older file behind.
ready() {
	grep -qx "$server" "$directory/data/postmaster.pid" &&
		grep -q '^ready' "$directory/data/postmaster.pid"
} 2>/dev/null

# sleep also lets the shell notice that the server has ended.
start() {
	running && return
	"$@" >>"$directory/log" 2>&1 </dev/null &
	server=$!
	while running && ! ready; do sleep 0.02; done
	running
}

stop() {
	running && kill -"$1" "$server" && wait "$server"
	server=
}

clear_up() {
	trap - EXIT
	if [ "$afterwards" = keep ]; then
		stop INT
	else
		stop QUIT
		rm -rf "$directory"
	fi
}
trap clear_up EXIT
trap exit HUP INT TERM

while read -r order port; do
	case $order in
	start) if start "$@" -p "$port"; then echo ready; else echo failed; fi ;;
	fast) stop INT && echo stopped ;;
	immediate) stop QUIT && echo stopped ;;
	esac
done
