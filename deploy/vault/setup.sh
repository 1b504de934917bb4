#!/bin/sh
# Sets Vault or OpenBao up for the service: the transit engine, its two keys,
# a KV engine for checkpoints, the policies beside this script, and an AppRole for signing in.
#
#   VAULT_ADDR=https://vault.example:8200 VAULT_TOKEN=... ./setup.sh DIRECTORY
#
# The role id and the secret id are written to DIRECTORY/role-id and
# DIRECTORY/secret-id, readable by their owner only. Everything may be run
# again: what is there is kept, if it is as it should be, and policies are
# brought up to date. A secret id that still works is kept; to exchange it,
# remove the file first.
#
# Other variables, and what they are if they are not set:
#
#   CPIS_VAULT_CLI   vault, or else bao     the program to call
#   CPIS_TRANSIT     transit                where the transit engine is mounted
#   CPIS_KV          cpis-checkpoints       where the KV engine is mounted
#   CPIS_APPROLE     approle                where the AppRole method is mounted
set -eu

here=$(cd "$(dirname "$0")" && pwd)
transit=${CPIS_TRANSIT:-transit}
checkpoints=${CPIS_KV:-cpis-checkpoints}
approle=${CPIS_APPROLE:-approle}
role=auth/$approle/role/cpis-service

say() { echo "set-up: $*"; }

fail() {
  echo "set-up: $*" >&2
  exit 1
}

[ $# -eq 1 ] || fail "which directory are role-id and secret-id to be written to?"
out=$1

# The program: both have the same commands.
cli=${CPIS_VAULT_CLI:-}
if [ -z "$cli" ]; then
  cli=$(command -v vault || command -v bao) || fail "neither vault nor bao is installed"
fi

# enable KIND PATH TYPE: mounts an engine or an auth method that is missing.
enable() {
  if "$cli" "$1" list -format=json | grep -q "\"$2/\""; then
    say "$2/ is there"
  else
    "$cli" "$1" enable -path="$2" "$3" >/dev/null
    say "$2/ is enabled"
  fi
}

# key NAME FIELD WANT OPTION...: makes a key that is missing. A key that is
# there must be of the right kind: it cannot be changed afterwards.
key() {
  name=$1 field=$2 want=$3
  shift 3
  if got=$("$cli" read -field="$field" "$transit/keys/$name" 2>/dev/null); then
    [ "$got" = "$want" ] || fail "the key $name is there, but its $field is $got, not $want"
    say "key $name is there"
  else
    "$cli" write -f "$transit/keys/$name" "$@" >/dev/null
    say "key $name is made"
  fi
}

# policy NAME FILE: writes a policy for the engines' mounts.
policy() {
  sed -e "s|\"transit/|\"$transit/|" -e "s|\"cpis-checkpoints/|\"$checkpoints/|" "$here/$2" | "$cli" policy write "$1" - >/dev/null
  say "policy $1 is written"
}

enable secrets "$transit" transit
# Derived: each owner of a data key has a key-encryption key of its own, made
# from its name, so that a wrapped key opens for its owner only.
key cpis-kek derived true type=aes256-gcm96 derived=true
key cpis-log type ed25519 type=ed25519

enable secrets "$checkpoints" kv-v2

policy cpis-service service.hcl
policy cpis-operator operator.hcl

enable auth "$approle" approle
# Tokens live 20 minutes and are renewed for at most a day, then the service
# signs in anew.
"$cli" write "$role" \
  token_policies=cpis-service \
  token_no_default_policy=true \
  token_ttl=20m \
  token_max_ttl=24h >/dev/null
say "role cpis-service is written"

umask 077
mkdir -p "$out"

"$cli" read -field=role_id "$role/role-id" >"$out/role-id.new"
mv "$out/role-id.new" "$out/role-id"

# works: whether the secret id in the file is one of the role's. For one that is
# not, both programs report success and say nothing of it.
works() {
  [ -s "$out/secret-id" ] &&
    "$cli" write -format=json "$role/secret-id/lookup" secret_id=@"$out/secret-id" 2>/dev/null |
    grep -q '"secret_id_accessor"'
}

if works; then
  say "the secret id in $out works"
else
  "$cli" write -f -field=secret_id "$role/secret-id" >"$out/secret-id.new"
  mv "$out/secret-id.new" "$out/secret-id"
  say "role-id and secret-id are in $out"
fi
