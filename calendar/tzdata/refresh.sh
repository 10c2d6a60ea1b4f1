#!/bin/sh
# Copies the time zone database of the Go in use beside this script, with its
# version. The embedded copy alone decides what a zone means, never the host's.
set -eu
cd "$(dirname "$0")"
source="$(go env GOROOT)/lib/time"
cp "$source/zoneinfo.zip" zoneinfo.zip
chmod 644 zoneinfo.zip
sed -n 's/^DATA=//p' "$source/update.bash" > VERSION
test -s VERSION
