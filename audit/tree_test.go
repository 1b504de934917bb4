package audit_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"cpis/audit"
)

// TestTreeIsTheOneOfCertificateTransparency uses the test vectors that
// implementations of RFC 6962 share.
func TestTreeIsTheOneOfCertificateTransparency(t *testing.T) {
	t.Parallel()
	leaves := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var tree audit.Tree
	for size, want := range roots {
		root := tree.Root()
		if got := hex.EncodeToString(root[:]); got != want {
			t.Errorf("root of %d leaves: got %s, want %s", size, got, want)
		}
		if size < len(leaves) {
			leaf, err := hex.DecodeString(leaves[size])
			if err != nil {
				t.Fatal(err)
			}
			tree.Append(audit.LeafHash(leaf))
		}
	}
}

func TestLeafHashIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	line := make([]byte, 3000)
	for n := range line {
		line[n] = byte(n)
		if got, want := audit.LeafHash(line[:n]), tlog.RecordHash(line[:n]); got != want {
			t.Fatalf("of %d bytes: got %v, want %v", n, got, want)
		}
	}
}

// memoryHashes are all nodes of a tree as tlog numbers them.
type memoryHashes []audit.Hash

func (m memoryHashes) ReadHashes(indexes []int64) ([]audit.Hash, error) {
	hashes := make([]audit.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = m[index]
	}
	return hashes, nil
}

// TestTreeAgreesWithTlog lets a tree grow line by line beside tlog's.
func TestTreeAgreesWithTlog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 8), 0, 600).Draw(t, "lines")
		var tree audit.Tree
		var nodes memoryHashes
		for i, line := range lines {
			tree.Append(audit.LeafHash(line))
			hashes, err := tlog.StoredHashes(int64(i), line, nodes)
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, hashes...)
			want, err := tlog.TreeHash(int64(i)+1, nodes)
			if err != nil {
				t.Fatal(err)
			}
			if got := tree.Root(); got != want {
				t.Fatalf("root of %d: got %v, want %v", i+1, got, want)
			}
		}
		if tree.Size() != int64(len(lines)) {
			t.Fatalf("size: got %d, want %d", tree.Size(), len(lines))
		}
	})
}

func TestTreeComesBackFromItsFrontier(t *testing.T) {
	t.Parallel()
	var tree audit.Tree
	for n := range 1100 {
		parsed, err := audit.ParseTree(tree.Size(), tree.AppendFrontier(nil))
		if err != nil {
			t.Fatal(err)
		}
		made, err := audit.NewTree(tree.Size(), tree.Frontier())
		if err != nil {
			t.Fatal(err)
		}
		if parsed != tree || made != tree || parsed.Root() != tree.Root() {
			t.Fatalf("tree of %d came back different", n)
		}
		parsed.Append(leafNumber(int64(n)))
		tree.Append(leafNumber(int64(n)))
		if parsed != tree {
			t.Fatalf("tree of %d came back different", n+1)
		}
	}
}

func TestTreesAreValues(t *testing.T) {
	t.Parallel()
	tree := newLog(5).tree
	before := tree
	other := tree
	other.Append(leafNumber(1))
	if tree != before {
		t.Error("appending to a copy changed the original")
	}
	if other == tree || other.Root() == tree.Root() {
		t.Error("a longer tree equals a shorter one")
	}
}

// TestTreeAcceptsAFrontierOfZeros makes sure that a hash of zeros, which a
// frontier from a damaged database may contain, does not pass for an absence.
func TestTreeAcceptsAFrontierOfZeros(t *testing.T) {
	t.Parallel()
	tree, err := audit.ParseTree(3, make([]byte, 64))
	if err != nil {
		t.Fatal(err)
	}
	tree.Append(leafNumber(0))
	want := tlog.NodeHash(audit.Hash{}, tlog.NodeHash(audit.Hash{}, leafNumber(0)))
	if tree.Size() != 4 || tree.Root() != want || len(tree.Frontier()) != 1 {
		t.Errorf("got size %d, root %v, want 4, %v", tree.Size(), tree.Root(), want)
	}
}

func TestTreeRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size     int64
		frontier []byte
	}{
		"negative size":       {-1, nil},
		"size out of range":   {1 << 62, make([]byte, 32)},
		"no frontier":         {1, nil},
		"too long a frontier": {4, make([]byte, 64)},
		"half a hash":         {1, make([]byte, 31)},
		"one byte too many":   {1, make([]byte, 33)},
	} {
		if _, err := audit.ParseTree(c.size, c.frontier); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}
