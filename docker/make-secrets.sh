#!/bin/sh
# Makes the files of secrets that compose.yaml mounts: sh make-secrets.sh [FOLDER], as root. Keeps the files that are there.
#
# Group 10001 may read them: the services and the two databases are in it, the user of the tasks is not.
set -eu
folder=${1:-secrets}
umask 077
mkdir -p "$folder"
cd "$folder"

random_hex() {
    od -An -tx1 -N32 /dev/urandom | tr -d ' \n'
}

for name in admin-token worker-token postgres-password postgres-app-password redis-password; do
    [ -s "$name" ] || random_hex > "$name"
done
[ -s secret-keys ] || head -c 32 /dev/urandom | base64 | tr -d '\n' | tr +/ -_ > secret-keys

# Each address holds a password from above. These may have only letters, digits and .-_~ in them.
printf 'postgresql://mainspring_app:%s@postgres:5432/mainspring' "$(cat postgres-app-password)" > database-url
printf 'postgresql://mainspring_migrator:%s@postgres:5432/mainspring' "$(cat postgres-password)" > migrator-database-url
printf 'redis://:%s@redis:6379/0' "$(cat redis-password)" > redis-url

chgrp 10001 -- *
chmod 0440 -- *
