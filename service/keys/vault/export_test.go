package vault

// ParseSignature reads the text of a signature.
var ParseSignature = parseSignature
