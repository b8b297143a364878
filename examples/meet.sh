#!/bin/sh
# Runs the examples against each other on loopback: meet.sh RELAY SENDER RECEIVER CHAT
# A file and a directory pass; a receiver with another password stays out, and Ctrl-C ends it without a trace.
set -eu
relay=$1 sender=$2 receiver=$3 chat=$4
work=$(mktemp -d)
pids=
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

mkfifo "$work/address"
"$relay" 127.0.0.1:0 127.0.0.1:0 >"$work/address" &
relay_pid=$!
pids="$pids $relay_pid"
read -r address <"$work/address"

mkdir -p "$work/in" "$work/tree/deep/empty" "$work/stranger"
head -c 3000000 /dev/urandom >"$work/photo.jpg"
head -c 5000 /dev/urandom >"$work/tree/a"
: >"$work/tree/deep/nothing"

"$receiver" "$address" "another password" "$work/stranger" &
stranger=$!
pids="$pids $stranger"
for document in photo.jpg tree; do
    "$sender" "$address" "correct horse" "$work/$document" &
    sending=$!
    pids="$pids $sending"
    "$receiver" "$address" "correct horse" "$work/in"
    wait "$sending"
    diff -r "$work/$document" "$work/in/$document"
done

printf 'one\ntwo\n' | "$chat" "$address" "a chat" offer >"$work/heard.offer" &
talking=$!
pids="$pids $talking"
printf 'three\n' | "$chat" "$address" "a chat" join >"$work/heard.join"
wait "$talking"
printf 'one\ntwo\n' | diff - "$work/heard.join"
printf 'three\n' | diff - "$work/heard.offer"

kill -INT "$stranger"
if wait "$stranger"; then
    echo "a stranger received something" >&2
    exit 1
fi
test -z "$(ls -A "$work/stranger")"

kill -TERM "$relay_pid"
wait "$relay_pid"
if "$sender" "$address" "correct horse" "$work/photo.jpg" 2>"$work/error"; then
    echo "sent without a relay" >&2
    exit 1
fi
grep -q "cannot reach relay" "$work/error"
