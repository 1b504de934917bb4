package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/directory"
	"cpis/service/export"
	"cpis/service/oversight"
	"cpis/service/rpc"
)

// config is how `cpis serve` is told what to do: by environment variables.
// Secrets come as names of files, never as values.
type config struct {
	// Listen is where clients are answered (CPIS_LISTEN, default
	// 127.0.0.1:8443). Anything but loopback needs TLS.
	Listen string
	// PagesListen is where people are answered (CPIS_PAGES_LISTEN, such as
	// 127.0.0.1:8445), and PagesURL the address that browsers see (CPIS_PAGES_URL, such
	// as https://cpis.example.nhs.uk). Without both there are no pages. They have a
	// listener of their own because browsers have no client certificates; the
	// server's certificate is the same.
	PagesListen, PagesURL string
	// AdminListen is where /livez, /readyz, /metrics and reflection are
	// (CPIS_ADMIN_LISTEN, default 127.0.0.1:9443), as plain HTTP. Anything but
	// loopback needs CPIS_ADMIN_EXPOSED=i-understand, and an inner network.
	AdminListen string
	// TLSCert and TLSKey are PEM files (CPIS_TLS_CERT, CPIS_TLS_KEY), read
	// again when they change. Without them the service speaks plain HTTP, on
	// loopback only.
	TLSCert, TLSKey string
	// ClientCA is a PEM file of authorities that sign client certificates
	// (CPIS_TLS_CLIENT_CA). Without it none are asked for.
	ClientCA string
	// RequireClientCert refuses connections without a client certificate
	// (CPIS_TLS_REQUIRE_CLIENT_CERT=true, default false).
	RequireClientCert bool

	// DatabaseURL is the database as cpis_app (CPIS_DATABASE_URL, required,
	// without password) and DatabasePasswordFile the file with its password
	// (CPIS_DATABASE_PASSWORD_FILE), if one is needed.
	DatabaseURL, DatabasePasswordFile string
	// Instance names the installation (CPIS_INSTANCE), if a copy of it may be
	// reached under the same address: staging, with its own name.
	Instance string
	// DatabaseConns bounds the connections (CPIS_DATABASE_CONNS, default 10).
	DatabaseConns int

	// Issuers is the JSON file that says whose tokens count (CPIS_ISSUERS,
	// required); see docs/identity.md.
	Issuers string
	// LogOrigin names the audit log that this server writes (CPIS_LOG_ORIGIN,
	// required), such as cpis.example.org/log/1.
	LogOrigin string
	// CheckpointDir is a directory outside of the database in which the server
	// keeps the newest checkpoint (CPIS_CHECKPOINT_DIR), and refuses to sign a
	// database that lacks it; CheckpointVault is a KV engine of Vault for the same
	// (CPIS_CHECKPOINT_VAULT). Without either that is not noticed.
	CheckpointDir, CheckpointVault string
	// LogPace is how many old entries of the log are read again in a second
	// (CPIS_LOG_PACE, default 5000).
	LogPace int
	// KeepExports is how long exports of reports are kept (CPIS_EXPORT_KEEP,
	// default 168h).
	KeepExports time.Duration
	// ExportRoom bounds the bytes that all of them take (CPIS_EXPORT_ROOM, default
	// 100 GiB).
	ExportRoom int64
	// Sample is how many of a hundred look-ups privacy officers are shown each week
	// (CPIS_REVIEW_SAMPLE, default 1).
	Sample int
	// MetricsTokenFile is a file with the bearer token that /metrics asks for
	// (CPIS_METRICS_TOKEN_FILE); without it /metrics is for whoever reaches it.
	MetricsTokenFile string
	// HubName and HubPhone are rung if an authority must not be named
	// (CPIS_HUB_NAME, CPIS_HUB_PHONE, required).
	HubName, HubPhone string

	// Keeper is where keys are kept.
	Keeper keeperConfig
	// KeyCache is how many data keys are held in memory (CPIS_KEY_CACHE,
	// default 20000), and KeyCacheFor how long (CPIS_KEY_CACHE_FOR, default
	// 15m): for so long flags are answered in full while Vault is away.
	KeyCache    int
	KeyCacheFor time.Duration

	// Webhook and Mesh say how notices are sent on.
	Webhook webhookConfig
	Mesh    meshConfig

	// MaxWaiting bounds the look-ups under way (CPIS_MAX_WAITING, default
	// 4096, at least 200); further ones are refused.
	MaxWaiting int
	// Hold is the shortest time in which a look-up is answered (CPIS_LOOKUP_HOLD,
	// default 10ms, 0s for none), so that the time tells no flag.
	Hold time.Duration
	// Sources says where calls come from, as entries of the log record it:
	// CPIS_TRUSTED_PROXIES, networks separated by commas whose proxies say for whom
	// they ask; CPIS_PROXY_HEADER, where (default X-Forwarded-For); and
	// CPIS_LOG_WHOLE_ADDRESSES=true keeps addresses instead of networks.
	Sources rpc.Sources
	// UploadMax bounds the bytes of an upload (CPIS_UPLOAD_MAX, default
	// 256 MiB).
	UploadMax int64
	// Shutdown is how long requests under way may take when the service stops
	// (CPIS_SHUTDOWN, default 20s).
	Shutdown time.Duration
	// LogLevel of the operator's log (CPIS_LOG_LEVEL, default info).
	LogLevel zerolog.Level
	// Traces is the OTLP/HTTP endpoint for traces (CPIS_OTLP_ENDPOINT, such as
	// http://127.0.0.1:4318); none without it.
	Traces string
}

// keeperConfig says where keys are kept: Vault, or a file for trying out.
type keeperConfig struct {
	// VaultAddr is Vault's address (VAULT_ADDR).
	VaultAddr string
	// VaultCA is a PEM file of authorities for Vault's certificate
	// (VAULT_CACERT), VaultNamespace its namespace (VAULT_NAMESPACE), and
	// VaultMount the mount of its transit engine (CPIS_VAULT_MOUNT, default
	// transit).
	VaultCA, VaultNamespace, VaultMount string
	// RoleIDFile and SecretIDFile sign in by AppRole (CPIS_VAULT_ROLE_ID_FILE,
	// CPIS_VAULT_SECRET_ID_FILE), TokenFile by a token (CPIS_VAULT_TOKEN_FILE),
	// KubernetesRole by the pod's account (CPIS_VAULT_KUBERNETES_ROLE). One of
	// the three is required with Vault.
	RoleIDFile, SecretIDFile, TokenFile, KubernetesRole string
	// LocalFile keeps keys in a file instead (CPIS_LOCAL_KEYS_FILE), for trying
	// the service out. It needs CPIS_LOCAL_KEYS=i-understand, and refuses any
	// listen address that is not loopback.
	LocalFile string
}

// longestList is how many people a clinic list may name. They wait together,
// so if fewer may wait a full list could never be answered.
const longestList = 200

// readConfig reads the configuration of `cpis serve` and reports all mistakes
// at once.
func readConfig(getenv func(string) string) (*config, error) {
	e := &environment{getenv: getenv}
	c := &config{
		Listen:               e.listen("CPIS_LISTEN", "127.0.0.1:8443"),
		PagesListen:          e.maybeListen("CPIS_PAGES_LISTEN"),
		PagesURL:             e.url("CPIS_PAGES_URL", false),
		AdminListen:          e.listen("CPIS_ADMIN_LISTEN", "127.0.0.1:9443"),
		TLSCert:              e.file("CPIS_TLS_CERT"),
		TLSKey:               e.file("CPIS_TLS_KEY"),
		ClientCA:             e.file("CPIS_TLS_CLIENT_CA"),
		RequireClientCert:    e.yes("CPIS_TLS_REQUIRE_CLIENT_CERT"),
		DatabaseURL:          e.database("CPIS_DATABASE_URL"),
		DatabasePasswordFile: e.file("CPIS_DATABASE_PASSWORD_FILE"),
		Instance:             e.text("CPIS_INSTANCE", ""),
		DatabaseConns:        e.number("CPIS_DATABASE_CONNS", 10),
		Issuers:              e.file("CPIS_ISSUERS"),
		LogOrigin:            e.required("CPIS_LOG_ORIGIN"),
		CheckpointDir:        e.directory("CPIS_CHECKPOINT_DIR"),
		CheckpointVault:      e.text("CPIS_CHECKPOINT_VAULT", ""),
		LogPace:              e.number("CPIS_LOG_PACE", auditlog.DefaultPace),
		KeepExports:          e.duration("CPIS_EXPORT_KEEP", export.DefaultKeep),
		ExportRoom:           int64(e.number("CPIS_EXPORT_ROOM", export.DefaultRoom)),
		Sample:               e.number("CPIS_REVIEW_SAMPLE", oversight.DefaultSample),
		HubName:              e.required("CPIS_HUB_NAME"),
		HubPhone:             e.required("CPIS_HUB_PHONE"),
		MetricsTokenFile:     e.file("CPIS_METRICS_TOKEN_FILE"),
		Keeper:               readKeeper(e),
		Webhook:              readWebhook(e),
		Mesh:                 readMesh(e),
		KeyCache:             e.number("CPIS_KEY_CACHE", 20_000),
		KeyCacheFor:          e.duration("CPIS_KEY_CACHE_FOR", 15*time.Minute),
		MaxWaiting:           e.numberFrom(longestList, "CPIS_MAX_WAITING", 4096),
		Hold:                 e.pause("CPIS_LOOKUP_HOLD", 10*time.Millisecond, time.Second),
		Sources:              readSources(e),
		UploadMax:            int64(e.number("CPIS_UPLOAD_MAX", 256<<20)),
		Shutdown:             e.duration("CPIS_SHUTDOWN", 20*time.Second),
		Traces:               e.url("CPIS_OTLP_ENDPOINT", true),
	}
	level, err := zerolog.ParseLevel(e.text("CPIS_LOG_LEVEL", "info"))
	if err != nil {
		e.fail("CPIS_LOG_LEVEL", "must be debug, info, warn or error")
	}
	c.LogLevel = level
	c.checkWords(e)
	c.checkTogether(e)
	return c, errors.Join(e.errs...)
}

// readSources reads whose word counts about where calls come from.
func readSources(e *environment) rpc.Sources {
	s := rpc.Sources{Header: e.text("CPIS_PROXY_HEADER", ""), Whole: e.yes("CPIS_LOG_WHOLE_ADDRESSES")}
	for _, text := range strings.FieldsFunc(e.text("CPIS_TRUSTED_PROXIES", ""), func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(text)
		if address, addrErr := netip.ParseAddr(text); addrErr == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || network.Bits() == 0 {
			e.fail("CPIS_TRUSTED_PROXIES", "must be networks or addresses of proxies, separated by commas, such as 10.20.0.0/16; not everybody")
			break
		}
		s.Proxies = append(s.Proxies, network.Masked())
	}
	switch {
	case s.Header != "" && len(s.Proxies) == 0:
		e.fail("CPIS_PROXY_HEADER", "needs CPIS_TRUSTED_PROXIES")
	case strings.EqualFold(s.Header, "Forwarded"):
		e.fail("CPIS_PROXY_HEADER", "must be a header that lists addresses, such as X-Forwarded-For; Forwarded is not read")
	}
	return s
}

// readKeeper reads where keys are kept.
func readKeeper(e *environment) keeperConfig {
	k := keeperConfig{
		VaultAddr:      e.url("VAULT_ADDR", false),
		VaultCA:        e.file("VAULT_CACERT"),
		VaultNamespace: e.text("VAULT_NAMESPACE", ""),
		VaultMount:     e.text("CPIS_VAULT_MOUNT", ""),
		RoleIDFile:     e.file("CPIS_VAULT_ROLE_ID_FILE"),
		SecretIDFile:   e.file("CPIS_VAULT_SECRET_ID_FILE"),
		TokenFile:      e.file("CPIS_VAULT_TOKEN_FILE"),
		KubernetesRole: e.text("CPIS_VAULT_KUBERNETES_ROLE", ""),
		LocalFile:      e.text("CPIS_LOCAL_KEYS_FILE", ""),
	}
	switch {
	case k.LocalFile != "" && e.getenv("CPIS_LOCAL_KEYS") != "i-understand":
		e.fail("CPIS_LOCAL_KEYS", "must be i-understand: keys in a file are for trying out")
	case k.LocalFile != "" && k.VaultAddr != "":
		e.fail("CPIS_LOCAL_KEYS_FILE", "cannot be used together with VAULT_ADDR")
	case k.LocalFile == "" && k.VaultAddr == "":
		e.fail("VAULT_ADDR", "is required")
	case k.VaultAddr != "" && k.RoleIDFile == "" && k.TokenFile == "" && k.KubernetesRole == "":
		e.fail("CPIS_VAULT_ROLE_ID_FILE", "is required, or CPIS_VAULT_TOKEN_FILE, or CPIS_VAULT_KUBERNETES_ROLE")
	case (k.RoleIDFile == "") != (k.SecretIDFile == ""):
		e.fail("CPIS_VAULT_SECRET_ID_FILE", "and CPIS_VAULT_ROLE_ID_FILE belong together")
	}
	return k
}

// checkWords checks what others are shown, or sign.
func (c *config) checkWords(e *environment) {
	if c.Issuers == "" {
		e.fail("CPIS_ISSUERS", "is required")
	}
	if c.LogOrigin != "" && audit.CheckOrigin(c.LogOrigin) != nil {
		e.fail("CPIS_LOG_ORIGIN", "must be a name such as cpis.example.org/log/1, without spaces or a plus sign")
	}
	if c.HubName == "" || c.HubPhone == "" {
		return // said already
	}
	hub, problems := directory.ReadHub(c.HubName, c.HubPhone)
	for _, v := range problems {
		e.fail(map[string]string{"name": "CPIS_HUB_NAME", "phone": "CPIS_HUB_PHONE"}[v.Field], v.Problem+", such as "+v.Example)
	}
	c.HubName, c.HubPhone = hub.Name, hub.Phone
}

// checkTogether checks what no variable can say alone.
func (c *config) checkTogether(e *environment) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		e.fail("CPIS_TLS_KEY", "and CPIS_TLS_CERT belong together")
	}
	if c.TLSCert == "" && (c.ClientCA != "" || c.RequireClientCert) {
		e.fail("CPIS_TLS_CLIENT_CA", "needs CPIS_TLS_CERT and CPIS_TLS_KEY")
	}
	if c.RequireClientCert && c.ClientCA == "" {
		e.fail("CPIS_TLS_CLIENT_CA", "is required with CPIS_TLS_REQUIRE_CLIENT_CERT")
	}
	if c.TLSCert == "" && !loopback(c.Listen) {
		e.fail("CPIS_LISTEN", "must be loopback without TLS")
	}
	c.checkPages(e)
	if exposed := e.getenv("CPIS_ADMIN_EXPOSED"); exposed != "i-understand" && !loopback(c.AdminListen) {
		e.fail("CPIS_ADMIN_EXPOSED", "must be i-understand if CPIS_ADMIN_LISTEN is not loopback: it is plain HTTP")
	}
	if c.CheckpointVault != "" && c.Keeper.VaultAddr == "" {
		e.fail("CPIS_CHECKPOINT_VAULT", "needs VAULT_ADDR")
	}
	if c.CheckpointVault != "" && c.CheckpointDir != "" {
		e.fail("CPIS_CHECKPOINT_VAULT", "cannot be used together with CPIS_CHECKPOINT_DIR")
	}
	if c.Keeper.LocalFile != "" && (!loopback(c.Listen) || !loopback(c.AdminListen)) {
		e.fail("CPIS_LOCAL_KEYS_FILE", "is for loopback only: see CPIS_LISTEN and CPIS_ADMIN_LISTEN")
	}
}

// checkPages checks where the pages are.
func (c *config) checkPages(e *environment) {
	switch {
	case (c.PagesListen == "") != (c.PagesURL == ""):
		e.fail("CPIS_PAGES_URL", "and CPIS_PAGES_LISTEN belong together")
	case c.PagesListen == "":
	case !loopback(c.PagesListen) && c.TLSCert == "":
		e.fail("CPIS_PAGES_LISTEN", "must be loopback without TLS")
	case !loopback(c.PagesListen) && c.Keeper.LocalFile != "":
		e.fail("CPIS_LOCAL_KEYS_FILE", "is for loopback only: see CPIS_PAGES_LISTEN")
	}
}

// loopback reports whether a listen address is reachable from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readSecret reads a secret from a file, which a variable or flag names. Blanks
// around it are ignored.
func readSecret(variable, file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable, err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("%s: the file is empty", variable)
	}
	return secret, nil
}
