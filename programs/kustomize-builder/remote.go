package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"

	"sluice/serve"
)

// remote is what a build may have from elsewhere.
type remote struct {
	allowed bool
	fetched map[string][]byte
}

// transport takes the place of the network, which kustomize's loader would use past its file system. It belongs to
// the build that runs; there is only ever one.
type transport struct{}

var current *tree

func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if current == nil {
		return nil, errors.New("there is no network")
	}
	content, err := current.fetch(r.URL)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(content)), Request: r}, nil
}

// fetch asks the host for what is at a URL.
func (t *tree) fetch(from *url.URL) ([]byte, error) {
	name := from.String()
	if content, found := t.remote.fetched[name]; found {
		return content, nil
	}
	if !t.remote.allowed {
		t.refuse(&refusal{kind: remoteForbidden, target: name})
	}
	if t.refusal != nil {
		return nil, fs.ErrPermission
	}
	answer, err := t.ask("fetch", map[string]string{"url": name})
	var refused *serve.Refusal
	if errors.As(err, &refused) {
		t.refuse(&refusal{kind: byHost, text: refused.Message})
	}
	if err != nil {
		return nil, err
	}
	var fetched struct{ Content string }
	if err := json.Unmarshal(answer, &fetched); err != nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(fetched.Content)
	if err != nil {
		return nil, err
	}
	if expandedSize(content).tooLarge() {
		t.refuse(&refusal{kind: tooExpanded, path: "what was fetched"})
		return nil, fs.ErrInvalid
	}
	if t.remote.fetched == nil {
		t.remote.fetched = map[string][]byte{}
	}
	t.remote.fetched[name] = content
	return content, nil
}

var (
	schemes    = regexp.MustCompile(`(?i)^(?:git::|(?:ssh|https?|file)://|gh:|git@|github\.com[:/])`)
	userAtHost = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@[^/]*[:/]`)
)

// isRemote tells whether kustomize would take a reference as a URL or Git repository instead of a local path.
func isRemote(reference string) bool {
	return schemes.MatchString(reference) || userAtHost.MatchString(reference)
}
