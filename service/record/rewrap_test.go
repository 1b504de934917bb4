package record_test

import (
	"path/filepath"
	"testing"

	"cpis/service"
	"cpis/service/keys/local"
	"cpis/service/upload"
)

// Whatever has a key of its own is re-wrapped: persons, and files that wait.
func TestRewrap_KeepsFilesThatWait(t *testing.T) {
	t.Parallel()
	k, err := local.Create(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := newServiceOver(t, k, func(*service.Config) {})
	f.MustRegister(lead, rightCPP())
	sent := f.MustSend(lead, delta, sheetHeader+sheetRow(numberB))
	if err := k.RotateWrapping(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{4, 0} { // index key, person, upload, lead
		if n, err := operatorOf(f, 0).Rewrap(t.Context(), func(int) {}); err != nil || n != want {
			t.Errorf("Rewrap: got %d and %v, want %d", n, err, want)
		}
	}
	out, err := f.Another().Uploads.ApproveUpload(t.Context(), lead, &upload.ApproveRequest{UploadID: sent.ID, Version: sent.Version})
	if err != nil || out.Upload.State != upload.Applied {
		t.Fatalf("ApproveUpload: %+v, %s", out, explain(err))
	}
	if n, err := operatorOf(f, 0).Rewrap(t.Context(), func(int) {}); err != nil || n != 0 {
		t.Errorf("Rewrap: got %d and %v: an old wrapping came back", n, err)
	}
}
