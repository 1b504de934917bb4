package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Document is one text in a KV engine of version 2, which several servers may
// write. It is for what must lie outside of the database and is no secret.
type Document struct {
	keeper     *Keeper
	mount, key string
}

// Document returns the document at a path of a KV engine.
func (k *Keeper) Document(mount, key string) (*Document, error) {
	if err := errors.Join(checkPath("mount of the KV engine", mount), checkPath("document", key)); err != nil {
		return nil, err
	}
	return &Document{keeper: k, mount: mount, key: key}, nil
}

// String says where the document is.
func (d *Document) String() string { return fmt.Sprintf("Vault's %s/%s", d.mount, d.key) }

func (d *Document) path() string { return d.mount + "/data/" + d.key }

// Read returns the text and its version; nothing, and the version to write after,
// if there is none.
func (d *Document) Read(ctx context.Context) (text []byte, version int, err error) {
	var answer documentAnswer
	err = d.keeper.call(ctx, request{operation: "read a document", path: d.path()}, &answer)
	if text = []byte(answer.Data.Data.Text); len(text) == 0 {
		text = nil
	}
	return text, answer.Data.Metadata.Version, err
}

// Write writes the text, if its version is still the one after which it is
// written. It returns the new version, and whether it was written.
func (d *Document) Write(ctx context.Context, text []byte, after int) (version int, written bool, err error) {
	body := documentRequest{Data: documentText{Text: string(text)}}
	body.Options.CAS = after
	var answer writtenAnswer
	err = d.keeper.call(ctx, request{operation: "write a document", path: d.path(), body: body}, &answer)
	if f, ok := errors.AsType[*failure](err); ok && f.status == http.StatusBadRequest {
		return 0, false, nil // somebody else wrote meanwhile
	}
	return answer.Data.Version, err == nil, err
}

type documentText struct {
	Text string `json:"text"`
}

type documentRequest struct {
	Options struct {
		CAS int `json:"cas"`
	} `json:"options"`
	Data documentText `json:"data"`
}

type documentAnswer struct {
	Data struct {
		Data     documentText `json:"data"`
		Metadata struct {
			Version int `json:"version"`
		} `json:"metadata"`
	} `json:"data"`
}

// isAbsent reports whether an answer of status 404 says that there is no document,
// and not that there is no engine.
func (*documentAnswer) isAbsent(body []byte) bool {
	var a struct {
		Errors []string `json:"errors"`
	}
	return json.Unmarshal(body, &a) == nil && len(a.Errors) == 0
}

type writtenAnswer struct {
	Data struct {
		Version int `json:"version"`
	} `json:"data"`
}
