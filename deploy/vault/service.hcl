# What the service may do: use its two keys, keep the newest checkpoint of its
# logs, and look after its own token. It cannot read, export, rotate, configure
# or delete keys, and reaches nothing else. Vault's "default" policy is not needed
# and not wanted.

# Wrapping and unwrapping data keys. Only "update": with "create" a misspelt
# name would quietly make a new key.
path "transit/encrypt/cpis-kek" {
  capabilities = ["update"]
}

path "transit/decrypt/cpis-kek" {
  capabilities = ["update"]
}

path "transit/rewrap/cpis-kek" {
  capabilities = ["update"]
}

# Signing checkpoints, and reading the public keys that verify them.
path "transit/sign/cpis-log" {
  capabilities = ["update"]
}

path "transit/keys/cpis-log" {
  capabilities = ["read"]
}

# The newest checkpoint of each log, outside of the database. It cannot be
# deleted, and what was there before stays for some versions.
path "cpis-checkpoints/data/*" {
  capabilities = ["create", "read", "update"]
}

# Its own token.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
