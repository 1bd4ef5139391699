package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/notaryproject/notation-core-go/revocation/crl"

	"sluice/serve"
)

// host is the way to the servers that know of revocations: it asks the process that has started this one.
type host struct {
	ask serve.Ask
	// Certificates are checked at the same time, but there is one connection.
	mutex  sync.Mutex
	closed bool
}

type fetchQuestion struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	ContentType string `json:"contentType,omitempty"`
	Body        []byte `json:"body,omitempty"`
}

type fetchAnswer struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType"`
	Body        []byte `json:"body"`
}

var errClosed = errors.New("the request has ended")

// close ends what is still under way when the request is answered.
func (h *host) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.closed = true
}

func (h *host) client() *http.Client {
	return &http.Client{Transport: h}
}

func (h *host) crlFetcher() crl.Fetcher {
	// It fails only without a client.
	fetcher, _ := crl.NewHTTPFetcher(h.client())
	return fetcher
}

// RoundTrip lets the host send a request.
func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	question := fetchQuestion{Method: r.Method, URL: r.URL.String(), ContentType: r.Header.Get("Content-Type")}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		question.Body = body
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.closed {
		return nil, errClosed
	}
	raw, err := h.ask("fetch", question)
	if err != nil {
		return nil, err
	}
	var answer fetchAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, errors.New("the host's answer is no HTTP answer")
	}
	return &http.Response{
		StatusCode: answer.Status,
		Status:     http.StatusText(answer.Status),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {answer.ContentType}},
		Body:          io.NopCloser(bytes.NewReader(answer.Body)),
		ContentLength: int64(len(answer.Body)),
		Request:       r,
	}, nil
}
