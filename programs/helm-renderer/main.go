// Command helm-renderer renders charts, one after another, for the process that has started it.
//
// It makes the release that `helm install` or `helm upgrade --dry-run=server` would make, out of a chart, values and
// capabilities that it is given. It knows no cluster and no network: what templates look up, it asks its host.
package main

import (
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"

	"sluice/serve"
)

// The version of Helm that this program is made of; the build sets it.
var version = "unknown"

// Memory from which on what the last rendering has left is given back before the next, so that no rendering is
// stopped for what another one took.
const keptBytes = 96 << 20

func main() {
	// Helm's packages log to standard error, and quote charts and values there.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	serve.Run(version, handle)
}

func handle(raw json.RawMessage, ask serve.Ask) (any, error) {
	if heldBytes() > keptBytes {
		debug.FreeOSMemory()
	}
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, &serve.Error{Kind: kindOther, Message: "the request is not of the form that this renderer knows"}
	}
	return r.render(ask)
}

// heldBytes is what the program has of the machine's memory, but for the program itself.
func heldBytes() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
