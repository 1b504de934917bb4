package main

import (
	"errors"
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
func least(tb testing.TB) settings {
	tb.Helper()
	return settings{
		"CPIS_DATABASE_URL": "postgres://cpis_app@db/cpis", "CPIS_ISSUERS": aFile(tb, "{}"),
		"CPIS_LOG_ORIGIN": "cpis.example.org/log/1", "CPIS_HUB_NAME": "Hub", "CPIS_HUB_PHONE": "020 7946 0999",
		"CPIS_LOCAL_KEYS": "i-understand", "CPIS_LOCAL_KEYS_FILE": "keys.json",
	}
}

// aFile makes a file.
func aFile(tb testing.TB, text string) string {
	tb.Helper()
	f, err := os.CreateTemp(tb.TempDir(), "")
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		tb.Fatal(err)
	}
	return f.Name()
}

func TestReadConfig_LeastIsEnough(t *testing.T) {
	t.Parallel()
	c, err := readConfig(least(t).get)
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
		"CPIS_LOOKUP_HOLD":             "2s",
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
		"CPIS_LOOKUP_HOLD", "CPIS_LOG_LEVEL", "CPIS_VAULT_SECRET_ID_FILE",
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
	certificate, nothing := aFile(t, "c"), aFile(t, "")
	for _, tt := range []struct {
		name   string
		change settings
		want   string
	}{
		{"KeysInAFileUnlessUnderstood", settings{"CPIS_LOCAL_KEYS": "yes"}, "CPIS_LOCAL_KEYS must be i-understand"},
		{"KeysInAFileBeyondLoopback", settings{"CPIS_LISTEN": ":8443", "CPIS_TLS_CERT": certificate, "CPIS_TLS_KEY": certificate}, "CPIS_LOCAL_KEYS_FILE is for loopback only"},
		{"KeysInAFileWithOperatorsElsewhere", settings{"CPIS_ADMIN_LISTEN": "10.0.0.1:9443"}, "CPIS_LOCAL_KEYS_FILE is for loopback only"},
		{"KeysInAFileAndVault", settings{"VAULT_ADDR": "https://vault.example"}, "cannot be used together"},
		{"NoKeys", settings{"CPIS_LOCAL_KEYS_FILE": ""}, "VAULT_ADDR is required"},
		{"VaultWithoutSigningIn", settings{"CPIS_LOCAL_KEYS_FILE": "", "VAULT_ADDR": "https://vault.example"}, "CPIS_VAULT_ROLE_ID_FILE is required"},
		{"WebhooksToNoNetwork", settings{"CPIS_WEBHOOK_ALLOW": "10.0.0.0/8, everywhere"}, "CPIS_WEBHOOK_ALLOW must be prefixes"},
		{"MESHWithoutAMailbox", settings{"CPIS_MESH_URL": "https://mesh.example"}, "CPIS_MESH_MAILBOX is required with CPIS_MESH_URL"},
		{"MESHWithHalfACertificate", settings{"CPIS_MESH_CERT": certificate}, "CPIS_MESH_KEY and CPIS_MESH_CERT belong together"},
		{"ADirectoryThatIsNotThere", settings{"CPIS_CHECKPOINT_DIR": "nowhere"}, "CPIS_CHECKPOINT_DIR must name a directory in which"},
		{"NeverReadAgain", settings{"CPIS_LOG_PACE": "0"}, "CPIS_LOG_PACE must be a number of at least 1"},
		{"WaitingForLessThanAClinicList", settings{"CPIS_MAX_WAITING": "199"}, "CPIS_MAX_WAITING must be a number of at least 200"},
		{"AHubThatCannotBeRung", settings{"CPIS_HUB_PHONE": "ring us"}, "CPIS_HUB_PHONE is not a telephone number"},
		{"AHubWithoutALetter", settings{"CPIS_HUB_NAME": "\x1b[2J"}, "CPIS_HUB_NAME must not hold control characters"},
		{"TracesToNoAddress", settings{"CPIS_OTLP_ENDPOINT": "collector"}, "CPIS_OTLP_ENDPOINT must be an address"},
		{"NoPort", settings{"CPIS_LISTEN": "127.0.0.1"}, "CPIS_LISTEN must be an address and a port"},
		{"NoPortForOperators", settings{"CPIS_ADMIN_LISTEN": "127.0.0.1:many"}, "CPIS_ADMIN_LISTEN must be an address and a port"},
		{"NoDatabase", settings{"CPIS_DATABASE_URL": "db"}, "CPIS_DATABASE_URL must be an address"},
		{"AnOriginThatNobodyCanSign", settings{"CPIS_LOG_ORIGIN": "our log"}, "CPIS_LOG_ORIGIN must be a name"},
		{"IssuersThatAreNotThere", settings{"CPIS_ISSUERS": "nowhere.json"}, "CPIS_ISSUERS must name a file that can be read, and there is none"},
		{"ADirectoryForAFile", settings{"CPIS_DATABASE_PASSWORD_FILE": "."}, "CPIS_DATABASE_PASSWORD_FILE must name a file that can be read, and that is a directory"},
		{"AnEmptyFile", settings{"CPIS_DATABASE_PASSWORD_FILE": nothing}, "CPIS_DATABASE_PASSWORD_FILE must name a file that can be read, and it is empty"},
		{"VaultInTheClear", settings{"CPIS_LOCAL_KEYS_FILE": "", "VAULT_ADDR": "http://vault.example"}, "VAULT_ADDR must be https"},
		{"MESHAtNoAddress", settings{"CPIS_MESH_URL": "mesh"}, "CPIS_MESH_URL must be an address"},
		{"PagesWithoutAnAddress", settings{"CPIS_PAGES_LISTEN": "127.0.0.1:0"}, "CPIS_PAGES_URL and CPIS_PAGES_LISTEN belong together"},
		{"PagesInTheClear", settings{"CPIS_PAGES_LISTEN": ":8445", "CPIS_PAGES_URL": "https://cpis.example"}, "CPIS_PAGES_LISTEN must be loopback without TLS"},
		{"PagesAtAnAddressInTheClear", settings{"CPIS_PAGES_LISTEN": "127.0.0.1:0", "CPIS_PAGES_URL": "http://cpis.example"}, "CPIS_PAGES_URL must be https"},
		{"PlainHTTPBeyondLoopback", settings{"CPIS_LISTEN": "0.0.0.0:8443"}, "CPIS_LISTEN must be loopback"},
		{"ClientCertificatesWithoutTLS", settings{"CPIS_TLS_CLIENT_CA": certificate}, "CPIS_TLS_CLIENT_CA needs"},
		{"RequiredClientCertificatesOfNobody", settings{
			"CPIS_TLS_CERT": certificate, "CPIS_TLS_KEY": certificate, "CPIS_TLS_REQUIRE_CLIENT_CERT": "true",
		}, "CPIS_TLS_CLIENT_CA is required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := least(t)
			maps.Copy(env, tt.change)
			_, err := readConfig(env.get)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readConfig: got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSettingsThatNobodyReadsAreErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, variable, want string
	}{
		{"Misspelt", "CPIS_LISTN=:1", "CPIS_LISTN is not a setting; did you mean CPIS_LISTEN?"},
		{"Unknown", "CPIS_COLOUR_OF_THE_SKY=blue", "CPIS_COLOUR_OF_THE_SKY is not a setting; docs/operations.md"},
		{"SetToNothing", "CPIS_TLS_CLIENT_CA=", "CPIS_TLS_CLIENT_CA is empty"},
		{"SetToBlanks", "CPIS_TLS_CLIENT_CA=  ", "CPIS_TLS_CLIENT_CA is empty"},
	} {
		for _, line := range []string{"serve", "token nurse"} {
			var said strings.Builder
			status := run(t.Context(), strings.Fields(line), &world{
				getenv: settings{}.get, environ: func() []string { return []string{"PATH=/bin", tt.variable} }, stdout: &said, stderr: &said,
			})
			if status != 1 || !strings.Contains(said.String(), tt.want) {
				t.Errorf("%s, %s: got status %d, %s", tt.name, line, status, &said)
			}
		}
	}
}

// Where a Service is called cpis, Kubernetes sets variables of its own.
func TestVariablesOfKubernetesAreNotOurs(t *testing.T) {
	t.Parallel()
	links := []string{
		"CPIS_SERVICE_HOST=10.0.0.1", "CPIS_SERVICE_PORT=8443", "CPIS_SERVICE_PORT_HTTPS=8443", "CPIS_PORT=tcp://10.0.0.1:8443",
		"CPIS_PORT_8443_TCP=tcp://10.0.0.1:8443", "CPIS_PORT_8443_TCP_PROTO=tcp", "CPIS_ADMIN_PORT_9443_TCP_ADDR=10.0.0.1",
	}
	if err := checkEnvironment(append(links, "KUBERNETES_SERVICE_HOST=10.0.0.2"), nil); err != nil {
		t.Errorf("in Kubernetes: %v", err)
	}
	if err := checkEnvironment(links, nil); err == nil || strings.Count(err.Error(), "is not a setting") != len(links) {
		t.Errorf("elsewhere: %v", err)
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
	env := least(t)
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
	names := knownVariables(model(t, "--help"))
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(setupVariables, name) })
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

// model is the command line for arguments that begin so.
func model(t *testing.T, first string) *kong.Application {
	t.Helper()
	parser, err := kong.New(newCLI(first))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// A command is made without those of other groups, and knows all variables all
// the same: what is set for another command is no mistake.
func TestEveryCommandKnowsAllVariables(t *testing.T) {
	t.Parallel()
	whole := model(t, "--help")
	want := knownVariables(whole)
	for _, command := range whole.Children {
		if diff := cmp.Diff(want, knownVariables(model(t, command.Name))); diff != "" {
			t.Errorf("cpis %s (-all +known):\n%s", command.Name, diff)
		}
	}
}
