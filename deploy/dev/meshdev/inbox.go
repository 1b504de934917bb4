package meshdev

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// maxBody is the largest chunk that the exchange takes.
const maxBody = 100 << 20

// readBody reads a request's body before the server is locked.
func readBody(w http.ResponseWriter, r *http.Request) (body io.ReadCloser, tooLong bool) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	return io.NopCloser(bytes.NewReader(b)), err != nil
}

// allOf returns a body that was read already.
func allOf(r *http.Request) []byte {
	b, _ := io.ReadAll(r.Body) // from memory
	return b
}

// list returns the ids of what waits in a mailbox.
func (s *Server) list(w http.ResponseWriter, _ *http.Request, mailbox string) {
	ids := []string{}
	for _, m := range s.messages {
		if m.To == mailbox && m.Taken && !m.Fetched {
			ids = append(ids, m.ID)
		}
	}
	answer(w, http.StatusOK, map[string]any{"messages": ids})
}

// fetch returns a chunk of a message, the first one if none is named.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request, mailbox string) {
	m := s.find(r.PathValue("id"))
	number := 1
	if text := r.PathValue("chunk"); text != "" {
		number, _ = strconv.Atoi(text) // what is no number is 0, and refused below
	}
	switch {
	case m == nil || m.To != mailbox || !m.Taken || number < 1 || number > m.total:
		refuse(w, http.StatusNotFound, "20", "Message does not exist")
		return
	case m.Fetched:
		refuse(w, http.StatusGone, "", "Message already accepted")
		return
	}
	for name, value := range map[string]string{
		"Mex-From": m.From, "Mex-To": m.To, "Mex-WorkflowID": m.Workflow, "Mex-MessageID": m.ID, "Mex-MessageType": "DATA",
		"Mex-LocalID": m.LocalID, "Mex-FileName": m.FileName, "Mex-Content-Checksum": m.Checksum,
		"Mex-Chunk-Range": strconv.Itoa(number) + ":" + strconv.Itoa(m.total), "Content-Type": m.ContentType,
	} {
		w.Header().Set(name, value)
	}
	status := http.StatusPartialContent
	if number == m.total {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(m.Chunks[number-1]) // a receiver that left asks again
}

// acknowledge takes a message out of a mailbox.
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request, mailbox string) {
	m := s.find(r.PathValue("id"))
	if m == nil || m.To != mailbox || !m.Taken {
		refuse(w, http.StatusNotFound, "20", "Message does not exist")
		return
	}
	m.Fetched = true
	w.WriteHeader(http.StatusOK)
}

const answerType = "application/vnd.mesh.v2+json"

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", answerType)
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // a sender that left sends again
	}
}

// refuse answers as the exchange does when something is wrong.
func refuse(w http.ResponseWriter, status int, code, text string) {
	if text == "" {
		w.WriteHeader(status)
		return
	}
	answer(w, status, map[string]any{
		"detail": []map[string]string{{"event": "SEND", "code": code, "msg": text}},
	})
}
