package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sluice/serve"
)

func TestMain(m *testing.M) {
	harden()
	os.Exit(m.Run())
}

type files map[string]string

// write puts files below a new directory.
func (f files) write(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "artifact")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range f {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func noQuestions(string, any) (json.RawMessage, error) {
	return nil, errors.New("no question was expected")
}

// run sends a request through the handler, as the host's would come.
func run(t testing.TB, r request, ask serve.Ask) (*built, *serve.Error) {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	result, err := handle(body, ask)
	if err == nil {
		b := result.(built)
		return &b, nil
	}
	var known *serve.Error
	if !errors.As(err, &known) {
		t.Fatalf("an error that is not for the host: %v", err)
	}
	return nil, known
}

// buildFiles builds a directory of files with an empty spec.
func buildFiles(t *testing.T, f files, dir string) (*built, *serve.Error) {
	t.Helper()
	return run(t, request{Root: f.write(t), Dir: dir, Spec: &spec{}}, noQuestions)
}

func configMap(name string) string {
	return `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "` + name + `"}}`
}
