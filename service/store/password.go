package store

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// GivePasswords gives roles that have none their passwords. Roles that have one
// keep it. admin is an address of the cluster as its superuser. PostgreSQL gets
// verifiers only, so that no log of statements holds a password.
func GivePasswords(ctx context.Context, admin string, passwords map[string]string) error {
	return withConn(ctx, admin, nil, func(conn *pgx.Conn) error {
		for role, password := range passwords {
			has, err := one(ctx, conn, "looking for a password", pgx.RowTo[bool], `
				SELECT rolpassword IS NOT NULL
				FROM pg_catalog.pg_authid
				WHERE rolname = $1`, role)
			if err != nil || has {
				if err != nil {
					return err
				}
				continue
			}
			verifier, err := scramVerifier(password)
			if err != nil {
				return err
			}
			sql := `ALTER ROLE ` + pgx.Identifier{role}.Sanitize() + ` PASSWORD '` + verifier + `'`
			if err := run(ctx, conn, "giving a password", sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// scramRounds is PostgreSQL's own default.
const scramRounds = 4096

// scramVerifier returns what PostgreSQL keeps of a password (RFC 5802, 7677).
// Passwords should be printable ASCII: others are prepared differently by some
// clients.
func scramVerifier(password string) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: it ends the program instead
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramRounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("deriving a verifier: %w", err)
	}
	of := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		_, _ = mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(of("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramRounds, encode(salt), encode(stored[:]), encode(of("Server Key"))), nil
}
