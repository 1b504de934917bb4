package rpc_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/rpc"
)

func BenchmarkMarshal(b *testing.B) {
	for _, c := range rpc.Codecs() {
		for name, m := range map[string]proto.Message{"plain": plain(), "flagged": flagged()} {
			b.Run(c.Name()+"/"+name, func(b *testing.B) {
				var out bytes.Buffer
				b.ReportAllocs()
				for b.Loop() {
					out.Reset()
					if err := c.MarshalWrite(b.Context(), &out, m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	var m cpisv1.LookUpRequest
	rpc.ReadQuestion([]byte(typical), &m)
	for _, c := range rpc.Codecs() {
		b.Run(c.Name(), func(b *testing.B) {
			data := []byte(typical)
			if c.Name() == "proto" {
				data, _ = proto.Marshal(&m)
			}
			b.ReportAllocs()
			for b.Loop() {
				var m cpisv1.LookUpRequest
				if err := c.UnmarshalRead(b.Context(), bytes.NewBuffer(data), &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	validate, err := rpc.NewValidate()
	if err != nil {
		b.Fatal(err)
	}
	var m cpisv1.LookUpRequest
	rpc.ReadQuestion([]byte(typical), &m)
	b.ReportAllocs()
	for b.Loop() {
		if err := validate(&m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLookUp measures all that this package adds to a look-up, over the
// handler and without a network.
func BenchmarkLookUp(b *testing.B) {
	serve(b, newBench(b, withLevel(zerolog.InfoLevel)).handler)
}

// BenchmarkBare measures the same stack without interceptors.
func BenchmarkBare(b *testing.B) {
	serve(b, rpc.NewBare(now, echo))
}

func serve(b *testing.B, h http.Handler) {
	b.Helper()
	body := typical
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/cpis.v1.LookupService/LookUp", strings.NewReader(body))
		r.Header["Content-Type"] = []string{"application/json"}
		r.Header["Authorization"] = []string{"Bearer " + nurseToken}
		r.Header["X-Request-Id"] = []string{aRequest}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("got %d: %s", w.Code, w.Body)
		}
	}
}
