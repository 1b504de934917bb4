# What an operator may do who rotates the keys. It can neither use the keys nor
# make them exportable or delete them: decrypting and administering are never
# in one hand.

path "transit/keys/cpis-kek" {
  capabilities = ["read"]
}

path "transit/keys/cpis-log" {
  capabilities = ["read"]
}

path "transit/keys/cpis-kek/rotate" {
  capabilities = ["update"]
}

path "transit/keys/cpis-log/rotate" {
  capabilities = ["update"]
}

# After all stored keys have been wrapped again, versions that are no longer
# needed can be retired. No other setting of the key can be changed with this.
path "transit/keys/cpis-kek/config" {
  capabilities       = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
  }
}
