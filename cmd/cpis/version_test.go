package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/admin"
)

func TestProgramOf_SaysVersionAndCommit(t *testing.T) {
	t.Parallel()
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	for name, tt := range map[string]struct {
		info *debug.BuildInfo
		want admin.Program
	}{
		"a release": {
			built("v1.2.3", debug.BuildSetting{Key: "vcs.revision", Value: "0123abcd"}, debug.BuildSetting{Key: "vcs.modified", Value: "false"}),
			admin.Program{Version: "v1.2.3", Commit: "0123abcd"},
		},
		"changed since":        {built("(devel)", debug.BuildSetting{Key: "vcs.modified", Value: "true"}), admin.Program{Version: "unreleased", Modified: true}},
		"nothing is known":     {built(""), admin.Program{Version: "unreleased"}},
		"without a repository": {built("(devel)"), admin.Program{Version: "unreleased"}},
	} {
		if diff := cmp.Diff(tt.want, programOf(tt.info)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestVersion_IsPrinted(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	code := run(t.Context(), []string{"version"}, &world{getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	if code != 0 || !strings.HasPrefix(out.String(), "cpis ") || strings.Count(out.String(), "\n") != 1 || errs.Len() > 0 {
		t.Errorf("got %d %q %q", code, out.String(), errs.String())
	}
}
