// The kustomize builder builds kustomizations one after another for its host. It reads below one directory only,
// opens no connection, starts no program, and writes nothing.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"runtime/debug"

	"sluice/serve"
)

// version is set by the linker.
var version = "unknown"

// request is what the host asks for.
type request struct {
	// Root is the absolute path of the directory to read; empty to read Files alone.
	Root string `json:"root"`
	// Dir is the directory to build, below Root.
	Dir string `json:"dir"`
	// Files are read instead of those of the same path below Root, or beside them.
	Files map[string]string `json:"files"`
	// Spec is put into the kustomization file of Dir, which is made up when there is none; nil to build Dir as it is.
	Spec *spec `json:"spec"`
	// RemoteBases lets references to HTTP be put to the host as questions.
	RemoteBases bool `json:"remoteBases"`
	// Decrypt puts files that sops has encrypted to the host as questions.
	Decrypt bool `json:"decrypt"`
	// Yaml asks for the text that kustomize would print instead of objects.
	Yaml bool `json:"yaml"`
	// Seen is what an earlier build looked at: nothing is built, only compared.
	Seen string `json:"seen"`
}

// built is the answer to a request to build.
type built struct {
	Objects []json.RawMessage `json:"objects"`
	Yaml    string            `json:"yaml,omitempty"`
	// Bytes is the size of the objects.
	Bytes int `json:"bytes"`
	// NoManifests tells that there is neither a kustomization file nor any manifest in Dir.
	NoManifests bool `json:"noManifests"`
	// Seen holds every path that was looked at, and a digest of what was there.
	Seen string `json:"seen"`
	// Remote tells that something came from elsewhere, which Seen does not cover.
	Remote bool `json:"remote"`
	// Warnings are of what is built, but hardly meant.
	Warnings []string `json:"warnings,omitempty"`
}

// compared is the answer to a request to compare.
type compared struct {
	Same bool `json:"same"`
}

func main() {
	harden()
	serve.Run(version, handle)
}

// softMemoryLimit makes the garbage collector work harder well before the host ends the program.
const softMemoryLimit = 256 << 20

// harden takes away what nothing here needs.
func harden() {
	os.Clearenv()
	log.SetOutput(io.Discard)
	http.DefaultTransport = transport{}
	debug.SetMemoryLimit(softMemoryLimit)
}

func handle(body json.RawMessage, ask serve.Ask) (any, error) {
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &serve.Error{Kind: "request", Message: "the request cannot be read"}
	}
	t, err := newTree(r, ask)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if r.Seen != "" {
		return compare(t, r.Seen)
	}
	return build(t, r)
}
