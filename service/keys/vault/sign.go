package vault

import (
	"context"
	"crypto/ed25519"
	"maps"
	"slices"
)

// Sign implements keys.Keeper.
func (k *Keeper) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	const operation = "sign"
	var answer signAnswer
	r := request{operation: operation, path: k.cfg.Mount + "/sign/" + k.cfg.SigningKey, body: signRequest{Input: message}}
	if err := k.call(ctx, r, &answer); err != nil {
		return nil, nil, err
	}
	version, signature, ok := parseSignature(answer.Data.Signature)
	if !ok {
		return nil, nil, &failure{operation: operation, cause: errMalformed}
	}
	public, err := k.signer(ctx, version, message, signature)
	if err != nil {
		return nil, nil, err
	}
	return signature, public, nil
}

// signer finds the public key that verifies a signature: among those known, or
// else, the key having been rotated, among those Vault has now.
func (k *Keeper) signer(ctx context.Context, version int, message, signature []byte) (ed25519.PublicKey, error) {
	if known := k.public.Load(); known != nil {
		if key := (*known)[version]; key != nil && ed25519.Verify(key, message, signature) {
			return key, nil
		}
	}
	public, err := k.readPublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	key := public[version]
	if key == nil || !ed25519.Verify(key, message, signature) {
		return nil, &failure{operation: "sign", cause: errBadSignature}
	}
	return key, nil
}

// PublicKeys implements keys.Keeper.
func (k *Keeper) PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	public, err := k.readPublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	newestFirst := make([]ed25519.PublicKey, 0, len(public))
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(public))) {
		newestFirst = append(newestFirst, public[version])
	}
	return newestFirst, nil
}

func (k *Keeper) readPublicKeys(ctx context.Context) (map[int]ed25519.PublicKey, error) {
	const operation = "public keys"
	var answer keyAnswer
	r := request{operation: operation, path: k.cfg.Mount + "/keys/" + k.cfg.SigningKey}
	if err := k.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	public, ok := answer.publicKeys()
	if !ok {
		return nil, &failure{operation: operation, cause: errMalformed}
	}
	k.public.Store(&public)
	return public, nil
}
