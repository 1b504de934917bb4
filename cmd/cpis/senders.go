package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"cpis/service/deliver"
	"cpis/service/deliver/mesh"
	"cpis/service/deliver/webhook"
)

// webhookConfig says where webhooks may go.
type webhookConfig struct {
	// Allowed are networks that webhooks may go to though they are not of the
	// Internet (CPIS_WEBHOOK_ALLOW, prefixes separated by commas, none by
	// default).
	Allowed []netip.Prefix
	// CA is a PEM file of authorities that sign receivers' certificates, besides
	// the system's (CPIS_WEBHOOK_CA).
	CA string
}

// meshConfig says how notices go over MESH. Without URL they do not.
type meshConfig struct {
	// URL is the address of MESH (CPIS_MESH_URL), Mailbox this installation's
	// (CPIS_MESH_MAILBOX) and Workflow the workflow id of notices
	// (CPIS_MESH_WORKFLOW). With URL all are required.
	URL, Mailbox, Workflow string
	// PasswordFile holds the mailbox's password (CPIS_MESH_PASSWORD_FILE), and
	// SharedKeyFile the key of the environment (CPIS_MESH_SHARED_KEY_FILE). With
	// URL both are required.
	PasswordFile, SharedKeyFile string
	// CA is a PEM file of authorities that sign the certificate of MESH instead
	// of the system's (CPIS_MESH_CA), and Cert and Key are this installation's
	// certificate (CPIS_MESH_CERT, CPIS_MESH_KEY).
	CA, Cert, Key string
	// Chunk is how many bytes go in one piece (CPIS_MESH_CHUNK, default 20 MiB).
	Chunk int
}

// readWebhook reads where webhooks may go.
func readWebhook(e *environment) webhookConfig {
	c := webhookConfig{CA: e.file("CPIS_WEBHOOK_CA")}
	for text := range strings.SplitSeq(e.text("CPIS_WEBHOOK_ALLOW", ""), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			e.fail("CPIS_WEBHOOK_ALLOW", "must be prefixes separated by commas, such as 10.1.0.0/16")
			return c
		}
		c.Allowed = append(c.Allowed, p.Masked())
	}
	return c
}

// readMesh reads how notices go over MESH.
func readMesh(e *environment) meshConfig {
	c := meshConfig{
		URL:           e.url("CPIS_MESH_URL", false),
		Mailbox:       e.text("CPIS_MESH_MAILBOX", ""),
		Workflow:      e.text("CPIS_MESH_WORKFLOW", ""),
		PasswordFile:  e.file("CPIS_MESH_PASSWORD_FILE"),
		SharedKeyFile: e.file("CPIS_MESH_SHARED_KEY_FILE"),
		CA:            e.file("CPIS_MESH_CA"),
		Cert:          e.file("CPIS_MESH_CERT"),
		Key:           e.file("CPIS_MESH_KEY"),
		Chunk:         e.number("CPIS_MESH_CHUNK", mesh.DefaultChunk),
	}
	if (c.Cert == "") != (c.Key == "") {
		e.fail("CPIS_MESH_KEY", "and CPIS_MESH_CERT belong together")
	}
	for _, needed := range []struct{ name, value string }{
		{"CPIS_MESH_MAILBOX", c.Mailbox},
		{"CPIS_MESH_WORKFLOW", c.Workflow},
		{"CPIS_MESH_PASSWORD_FILE", c.PasswordFile},
		{"CPIS_MESH_SHARED_KEY_FILE", c.SharedKeyFile},
	} {
		if c.URL != "" && needed.value == "" {
			e.fail(needed.name, "is required with CPIS_MESH_URL")
		}
	}
	return c
}

// openSenders makes what sends notices on.
func openSenders(c *config) (map[deliver.ChannelKind]deliver.Sender, error) {
	cas, err := c.Webhook.authorities()
	if err != nil {
		return nil, err
	}
	senders := map[deliver.ChannelKind]deliver.Sender{
		deliver.WebhookChannel: webhook.New(webhook.Config{Allowed: c.Webhook.Allowed, CAs: cas}),
	}
	if c.Mesh.URL != "" {
		if senders[deliver.MeshChannel], err = c.Mesh.open(); err != nil {
			return nil, err
		}
	}
	return senders, nil
}

// authorities returns those that sign receivers' certificates; nil are the
// system's.
func (c *webhookConfig) authorities() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // as crypto/tls takes it
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's certificates: %w", err)
	}
	return pool, addAuthorities(pool, "CPIS_WEBHOOK_CA", c.CA)
}

// addAuthorities adds the certificates of a PEM file.
func addAuthorities(to *x509.CertPool, variable, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	if !to.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s: %w", variable, errors.New("no certificate in it"))
	}
	return nil
}

// open makes what sends over MESH.
func (c *meshConfig) open() (*mesh.Sender, error) {
	password, err := readSecret("CPIS_MESH_PASSWORD_FILE", c.PasswordFile)
	if err != nil {
		return nil, err
	}
	shared, err := readSecret("CPIS_MESH_SHARED_KEY_FILE", c.SharedKeyFile)
	if err != nil {
		return nil, err
	}
	cfg := mesh.Config{
		URL: c.URL, Mailbox: c.Mailbox, Password: password, SharedKey: shared, Workflow: c.Workflow, Chunk: c.Chunk, Now: time.Now,
	}
	if c.CA != "" {
		cfg.CAs = x509.NewCertPool()
		if err := addAuthorities(cfg.CAs, "CPIS_MESH_CA", c.CA); err != nil {
			return nil, err
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("CPIS_MESH_CERT: %w", err)
		}
		cfg.Certificate = &pair
	}
	sender, err := mesh.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("CPIS_MESH_URL and CPIS_MESH_MAILBOX: %w", err)
	}
	return sender, nil
}
