#!/bin/sh
# Makes the files of secrets that compose.yaml mounts: sh make-secrets.sh [FOLDER [QUEUE...]], as root. Keeps the files
# that are there. Each queue gets a worker token and a user of Redis that open this queue alone; without a QUEUE there is
# the queue `default`.
#
# Group 10001 may read them: the services and the two databases are in it, the user of the tasks is not.
set -eu
folder=${1:-secrets}
[ $# -eq 0 ] || shift
[ $# -ne 0 ] || set -- default
umask 077
mkdir -p "$folder"
cd "$folder"

random_hex() {
    od -An -tx1 -N32 /dev/urandom | tr -d ' \n'
}

for name in admin-token admin-password postgres-password postgres-app-password redis-password; do
    [ -s "$name" ] || random_hex > "$name"
done
[ -s secret-keys ] || head -c 32 /dev/urandom | base64 | tr -d '\n' | tr +/ -_ > secret-keys

# Each address holds a password from above. These may have only letters, digits and .-_~ in them.
printf 'postgresql://mainspring_app:%s@postgres:5432/mainspring' "$(cat postgres-app-password)" > database-url
printf 'postgresql://mainspring_migrator:%s@postgres:5432/mainspring' "$(cat postgres-password)" > migrator-database-url
printf 'redis://:%s@redis:6379/0' "$(cat redis-password)" > redis-url

# What the workers of a queue may do in Redis: docs/executors.md. A file of an earlier version, `worker-token`, opens all
# queues; without the file the token is worth nothing.
: > redis-users
: > worker-tokens
[ ! -s worker-token ] || cat worker-token >> worker-tokens
for queue in "$@"; do
    [ -s "worker-token-$queue" ] || random_hex > "worker-token-$queue"
    [ -s "redis-url-$queue" ] ||
        printf 'redis://mainspring-%s:%s@redis:6379/0' "$queue" "$(random_hex)" > "redis-url-$queue"
    [ ! -s worker-tokens ] || printf ',' >> worker-tokens
    printf '%s:%s' "$queue" "$(cat "worker-token-$queue")" >> worker-tokens
    password=$(sed 's/^[^:]*:\/\/[^:]*:\([^@]*\)@.*/\1/' "redis-url-$queue")
    keys="~rq:queue:mainspring-$queue ~rq:queue:mainspring-$queue:intermediate ~rq:job:* ~rq:worker:*"
    keys="$keys ~rq:workers ~rq:workers:mainspring-$queue ~rq:suspended"
    commands="+info +ping +client|setname +client|setinfo +client|list +blmove +lmove +lrem +lpush +rpush +del +exists"
    commands="$commands +hset +hget +expire +type +sadd +srem +multi +exec"
    echo "user mainspring-$queue on >$password resetkeys $keys resetchannels -@all $commands" >> redis-users
done

chgrp 10001 -- *
chmod 0440 -- *
