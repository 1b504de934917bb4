package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"cpis/audit"
)

// An auditor has an export in a directory and the log's public key, which came
// another way. A checkpoint kept from an earlier audit shows that nothing was
// rewritten since.
func ExampleVerify() {
	key, err := audit.ParseVerifierKey("cpis.example/log/1+7ce00aaa+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := audit.Verify(context.Background(), os.DirFS("testdata/export"), "cpis.example/log/1", []audit.VerifierKey{key})
	var bad *audit.BadEntry
	switch {
	case errors.As(err, &bad):
		fmt.Println("first bad entry:", bad.Index, bad.Problem)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(report.Entries, "entries are exactly what was signed")
	}
	// Output: 3 entries are exactly what was signed
}

// A receipt names an entry; its line and a proof show that the entry is in the
// log, without the rest of the log.
func ExampleVerifyProof() {
	key, err := audit.ParseVerifierKey("cpis.example/log/1+7ce00aaa+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c")
	if err != nil {
		fmt.Println(err)
		return
	}
	export := os.DirFS("testdata/export")
	checkpoint, err := os.ReadFile("testdata/export/checkpoint")
	if err != nil {
		fmt.Println(err)
		return
	}
	proof, err := audit.Prove(context.Background(), audit.ExportedTiles(export), checkpoint, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	line := `{"v":1,"time":"2026-11-23T17:05:06.123456Z", and so on`
	_, _, err = audit.VerifyProof(proof.Text(), audit.LeafHash([]byte(line)), "cpis.example/log/1", []audit.VerifierKey{key})
	fmt.Println(err)
	// Output: audit log does not verify: the proof does not show this entry
}
