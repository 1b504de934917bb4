package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	cpisv1 "cpis/proto/cpis/v1"
)

// least is the least configuration that serves.
func least() settings {
	return settings{
		"CPIS_DATABASE_URL": "postgres://cpis_app@db/cpis", "CPIS_ISSUERS": "issuers.json",
		"CPIS_LOG_ORIGIN": "cpis.example.org/log/1", "CPIS_HUB_NAME": "Hub", "CPIS_HUB_PHONE": "01632 960999",
		"CPIS_LOCAL_KEYS": "i-understand", "CPIS_LOCAL_KEYS_FILE": "keys.json",
	}
}

func TestReadConfig_LeastIsEnough(t *testing.T) {
	t.Parallel()
	c, err := readConfig(least().get)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8443" || c.AdminListen != "127.0.0.1:9443" || c.KeyCache != 20_000 || c.UploadMax != 256<<20 {
		t.Errorf("readConfig: got %+v", c)
	}
}

func TestReadConfig_ReportsAllMistakesAtOnceAndNoValue(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-value"
	wrong := settings{
		"CPIS_LISTEN":                  secret + ":1",
		"CPIS_TLS_REQUIRE_CLIENT_CERT": secret,
		"CPIS_TLS_KEY":                 secret,
		"CPIS_DATABASE_CONNS":          secret,
		"CPIS_KEY_CACHE_FOR":           secret,
		"CPIS_MAX_WAITING":             "-1",
		"CPIS_LOG_LEVEL":               secret,
		"CPIS_VAULT_SECRET_ID_FILE":    secret,
		"CPIS_VAULT_TOKEN_FILE":        secret,
		"VAULT_ADDR":                   "https://" + secret,
	}
	_, err := readConfig(wrong.get)
	if err == nil {
		t.Fatal("readConfig: no error")
	}
	for _, name := range []string{
		"CPIS_LISTEN", "CPIS_TLS_REQUIRE_CLIENT_CERT", "CPIS_TLS_KEY", "CPIS_DATABASE_URL", "CPIS_DATABASE_CONNS",
		"CPIS_ISSUERS", "CPIS_LOG_ORIGIN", "CPIS_HUB_NAME", "CPIS_HUB_PHONE", "CPIS_KEY_CACHE_FOR", "CPIS_MAX_WAITING",
		"CPIS_LOG_LEVEL", "CPIS_VAULT_SECRET_ID_FILE",
	} {
		if !strings.Contains(err.Error(), name+" ") {
			t.Errorf("%s: not reported in\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("a value is printed:\n%v", err)
	}
}

func TestReadConfig_Refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change settings
		want   string
	}{
		{"KeysInAFileUnlessUnderstood", settings{"CPIS_LOCAL_KEYS": "yes"}, "CPIS_LOCAL_KEYS must be i-understand"},
		{"KeysInAFileBeyondLoopback", settings{"CPIS_LISTEN": ":8443", "CPIS_TLS_CERT": "c", "CPIS_TLS_KEY": "k"}, "CPIS_LOCAL_KEYS_FILE is for loopback only"},
		{"KeysInAFileWithOperatorsElsewhere", settings{"CPIS_ADMIN_LISTEN": "10.0.0.1:9443"}, "CPIS_LOCAL_KEYS_FILE is for loopback only"},
		{"KeysInAFileAndVault", settings{"VAULT_ADDR": "https://vault.example"}, "cannot be used together"},
		{"NoKeys", settings{"CPIS_LOCAL_KEYS_FILE": ""}, "VAULT_ADDR is required"},
		{"VaultWithoutSigningIn", settings{"CPIS_LOCAL_KEYS_FILE": "", "VAULT_ADDR": "https://vault.example"}, "CPIS_VAULT_ROLE_ID_FILE is required"},
		{"WebhooksToNoNetwork", settings{"CPIS_WEBHOOK_ALLOW": "10.0.0.0/8, everywhere"}, "CPIS_WEBHOOK_ALLOW must be prefixes"},
		{"MESHWithoutAMailbox", settings{"CPIS_MESH_URL": "https://mesh.example"}, "CPIS_MESH_MAILBOX is required with CPIS_MESH_URL"},
		{"MESHWithHalfACertificate", settings{"CPIS_MESH_CERT": "c"}, "CPIS_MESH_KEY and CPIS_MESH_CERT belong together"},
		{"WaitingForLessThanAClinicList", settings{"CPIS_MAX_WAITING": "199"}, "CPIS_MAX_WAITING must be a number of at least 200"},
		{"PlainHTTPBeyondLoopback", settings{"CPIS_LISTEN": "0.0.0.0:8443"}, "CPIS_LISTEN must be loopback"},
		{"ClientCertificatesWithoutTLS", settings{"CPIS_TLS_CLIENT_CA": "ca.pem"}, "CPIS_TLS_CLIENT_CA needs"},
		{"RequiredClientCertificatesOfNobody", settings{
			"CPIS_TLS_CERT": "c", "CPIS_TLS_KEY": "k", "CPIS_TLS_REQUIRE_CLIENT_CERT": "true",
		}, "CPIS_TLS_CLIENT_CA is required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := least()
			maps.Copy(env, tt.change)
			_, err := readConfig(env.get)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readConfig: got error %v, want %q", err, tt.want)
			}
		})
	}
}

// A list waits as a whole: the least that may be set must hold the longest one
// that the contract allows.
func TestLongestClinicListMayWait(t *testing.T) {
	t.Parallel()
	rules, err := protovalidate.ResolveFieldRules(
		(&cpisv1.LookUpManyRequest{}).ProtoReflect().Descriptor().Fields().ByName("items"))
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.GetRepeated().GetMaxItems(); got != longestList {
		t.Errorf("the contract allows lists of %d people, readConfig expects %d", got, longestList)
	}
	env := least()
	env["CPIS_MAX_WAITING"] = strconv.Itoa(longestList)
	if _, err := readConfig(env.get); err != nil {
		t.Errorf("readConfig: %v", err)
	}
}

func TestServeSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	command(t, "", "serve").want(t, 1, "CPIS_DATABASE_URL is required", "VAULT_ADDR is required")
}

// variables are all that the program reads from its environment.
func variables(t *testing.T) []string {
	t.Helper()
	read := map[string]bool{}
	// With Vault and with a file, since each hides what belongs to the other.
	_, _ = readConfig(func(name string) string { read[name] = true; return "" })
	_, _ = readConfig(func(name string) string {
		read[name] = true
		return least()[name]
	})
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, name := range f.Envs {
				read[name] = true
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range read {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestOperationsDescribesEveryVariableAndNoOther(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `((?:CPIS|VAULT)_[A-Z_]+)`(?:, `((?:CPIS|VAULT)_[A-Z_]+)`)* \\|")
	name := regexp.MustCompile("`((?:CPIS|VAULT)_[A-Z_]+)`")
	var described []string
	for _, row := range rows.FindAllString(string(text), -1) {
		for _, m := range name.FindAllStringSubmatch(row, -1) {
			described = append(described, m[1])
		}
	}
	slices.Sort(described)
	if diff := cmp.Diff(variables(t), slices.Compact(described)); diff != "" {
		t.Errorf("variables in the tables of docs/operations.md (-read +described):\n%s", diff)
	}
	for _, m := range name.FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(described, m[1]) {
			t.Errorf("docs/operations.md speaks of %s, which the program does not read", m[1])
		}
	}
}
