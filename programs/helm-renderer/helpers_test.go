package main

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	release "helm.sh/helm/v4/pkg/release/v1"

	"sluice/serve"
)

type files map[string]string

// writeChart makes a chart named app; a text that starts with "-> " makes a link.
func writeChart(t *testing.T, more files) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "app")
	all := files{"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.2.3\n"}
	maps.Copy(all, more)
	for name, text := range all {
		at := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(at), 0o755))
		if len(text) > 3 && text[:3] == "-> " {
			check(t, os.Symlink(text[3:], at))
			continue
		}
		check(t, os.WriteFile(at, []byte(text), 0o644))
	}
	return root
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func askNothing(string, any) (json.RawMessage, error) {
	return nil, &serve.Refusal{Message: "nothing is answered"}
}

// requestFor is an installation of a chart, with some fields replaced.
func requestFor(chartPath string, more map[string]any) json.RawMessage {
	fields := map[string]any{
		"name":      "web",
		"namespace": "apps",
		"revision":  1,
		"chartPath": chartPath,
		"capabilities": map[string]any{
			"kubeVersion": map[string]any{"gitVersion": "v1.36.3", "major": "1", "minor": "36"},
			"apiVersions": []string{"apps/v1", "v1"},
		},
	}
	maps.Copy(fields, more)
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return text
}

func mustRender(t *testing.T, request json.RawMessage, ask serve.Ask) *release.Release {
	t.Helper()
	result, err := handle(request, ask)
	check(t, err)
	return result.(*release.Release)
}

// refusalOf is how a request is refused; the test fails when it is not.
func refusalOf(t *testing.T, request json.RawMessage, ask serve.Ask) *serve.Error {
	t.Helper()
	_, err := handle(request, ask)
	refused, ok := errors.AsType[*serve.Error](err)
	if !ok {
		t.Fatalf("want a refusal, got %v", err)
	}
	return refused
}

func configMap(data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {found: " + data + "}\n"
}
