package local

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	formatName  = "cpis local keys v1"
	maxFileSize = 1 << 20
	ownerOnly   = 0o600
)

// ErrPermissions says that others than its owner may read or write the file.
var ErrPermissions = errors.New("others than its owner may use the file: its mode must be 0600")

// errNotWhole is fixed: what the decoder says may quote the file.
var errNotWhole = errors.New("it is not a whole key file")

// fileFormat is the content of a key file. Version n of a key is at n-1.
type fileFormat struct {
	Format   string   `json:"format"`
	Wrapping [][]byte `json:"wrapping"` // AES-256 keys
	Signing  [][]byte `json:"signing"`  // Ed25519 seeds
}

func (f *fileFormat) addWrapping() { f.Wrapping = append(f.Wrapping, randomBytes()) }

func (f *fileFormat) addSigning() { f.Signing = append(f.Signing, randomBytes()) }

func randomBytes() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: the program ends if there is no randomness
	return b
}

// keySet makes the keys usable.
func (f *fileFormat) keySet() (*keySet, error) {
	if len(f.Wrapping) == 0 || len(f.Signing) == 0 {
		return nil, errors.New("a key is missing")
	}
	set := &keySet{}
	for _, key := range f.Wrapping {
		aead, err := newAEAD(key)
		if err != nil {
			return nil, err
		}
		set.wrapping = append(set.wrapping, aead)
	}
	for _, seed := range f.Signing {
		if len(seed) != ed25519.SeedSize {
			return nil, errKeyLength
		}
		set.signing = append(set.signing, ed25519.NewKeyFromSeed(seed))
	}
	return set, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, errKeyLength
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// readFile reads a key file, if nobody but its owner can.
func readFile(path string) (*fileFormat, error) {
	file, err := os.Open(path) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	if stat.Mode().Perm()&0o077 != 0 {
		return nil, ErrPermissions
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize))
	if err != nil {
		return nil, err
	}
	return parseFile(content)
}

// parseFile is strict: what it does not understand it does not drop silently
// at the next rotation. Its errors quote nothing.
func parseFile(content []byte) (*fileFormat, error) {
	var f fileFormat
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if d.Decode(&f) != nil {
		return nil, errNotWhole
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotWhole // something follows
	}
	if f.Format != formatName {
		return nil, errors.New("its format is unknown")
	}
	return &f, nil
}

// createFile writes a key file that must not exist yet. It is written aside
// and linked into place, so that a crash leaves a whole file or none, and of
// two who create it at once only one succeeds.
func createFile(path string, f *fileFormat) (err error) {
	aside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(aside.Name())) }()
	if err := writeFile(aside, f); err != nil {
		return err
	}
	if err := os.Link(aside.Name(), path); err != nil {
		return err
	}
	return syncDir(path)
}

// changeFile changes a key file. The new file is written aside under a fixed
// name, which is also the lock against another process that does the same, and
// the old one is read only then, so that no version is lost.
func changeFile(path string, change func(*fileFormat)) error {
	aside := path + ".new"
	file, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, ownerOnly) //nolint:gosec // the path is the operator's choice
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("another rotation is under way, or one was interrupted and left its file behind: %w", err)
	}
	if err != nil {
		return err
	}
	err = writeChanged(file, path, change)
	if err == nil {
		err = os.Rename(aside, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	return syncDir(path)
}

// writeChanged writes to file what change makes of the key file at path.
func writeChanged(file *os.File, path string, change func(*fileFormat)) error {
	f, err := readFile(path)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	change(f)
	return writeFile(file, f)
}

// writeFile writes, makes durable and closes, the last even if it fails.
func writeFile(file *os.File, f *fileFormat) error {
	content, err := json.MarshalIndent(f, "", "\t")
	if err == nil {
		_, err = file.Write(append(content, '\n'))
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDir makes the name of a file durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
