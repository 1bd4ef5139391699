// Command notation-verifier checks signatures of Notary Project, one request after another, for the process that has
// started it.
//
// It checks what `notation verify` would check, with a trust policy and certificates that it is given. It reads no
// file and knows no network: what it has to know of revocations, it asks its host.
package main

import (
	"encoding/json"
	"io"
	"log"
	"log/slog"

	// Envelopes register themselves.
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"

	"sluice/serve"
)

// The version of the library that this program is made of; the build sets it.
var version = "unknown"

func main() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	serve.Run(version, handle)
}

func handle(raw json.RawMessage, ask serve.Ask) (any, error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, &serve.Error{Kind: "other", Message: "the request is not of the form that this program knows"}
	}
	return r.verify(ask)
}
