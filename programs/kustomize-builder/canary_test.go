package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sluice/serve"
)

// pluginConfigs are the structs that the builtin plugins of kustomize read their configurations into.
var pluginConfigs = map[string]any{
	"AnnotationsTransformer":         builtins.AnnotationsTransformerPlugin{},
	"ConfigMapGenerator":             builtins.ConfigMapGeneratorPlugin{},
	"HashTransformer":                builtins.HashTransformerPlugin{},
	"HelmChartInflationGenerator":    builtins.HelmChartInflationGeneratorPlugin{},
	"IAMPolicyGenerator":             builtins.IAMPolicyGeneratorPlugin{},
	"ImageTagTransformer":            builtins.ImageTagTransformerPlugin{},
	"LabelTransformer":               builtins.LabelTransformerPlugin{},
	"NamespaceTransformer":           builtins.NamespaceTransformerPlugin{},
	"PatchJson6902Transformer":       builtins.PatchJson6902TransformerPlugin{},
	"PatchStrategicMergeTransformer": builtins.PatchStrategicMergeTransformerPlugin{},
	"PatchTransformer":               builtins.PatchTransformerPlugin{},
	"PrefixTransformer":              builtins.PrefixTransformerPlugin{},
	"PrefixSuffixTransformer": struct {
		builtins.PrefixTransformerPlugin
	}{},
	"ReplacementTransformer":  builtins.ReplacementTransformerPlugin{},
	"ReplicaCountTransformer": builtins.ReplicaCountTransformerPlugin{},
	"SecretGenerator":         builtins.SecretGeneratorPlugin{},
	"SuffixTransformer":       builtins.SuffixTransformerPlugin{},
	"ValueAddTransformer":     builtins.ValueAddTransformerPlugin{},
}

const maxFieldDepth = 6

// fieldsOf lists the paths of all strings that a configuration holds, a list or map with one entry on the way.
func fieldsOf(t reflect.Type, prefix []string) (found [][]string) {
	if len(prefix) > maxFieldDepth {
		return nil
	}
	here := func(step string) []string { return append(append([]string{}, prefix...), step) }
	switch t.Kind() {
	case reflect.Pointer:
		return fieldsOf(t.Elem(), prefix)
	case reflect.String, reflect.Interface:
		return [][]string{prefix}
	case reflect.Slice, reflect.Array:
		return fieldsOf(t.Elem(), here("[]"))
	case reflect.Map:
		return fieldsOf(t.Elem(), here("key"))
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-" || !field.IsExported() && !field.Anonymous:
			case field.Anonymous && name == "":
				found = append(found, fieldsOf(field.Type, prefix)...)
			case name == "":
				found = append(found, fieldsOf(field.Type, here(field.Name))...)
			default:
				found = append(found, fieldsOf(field.Type, here(name))...)
			}
		}
	}
	return found
}

// set puts a value at a path of a configuration.
func set(config any, path []string, value string) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "[]" {
		return []any{set(nil, path[1:], value)}
	}
	object, _ := config.(map[string]any)
	if object == nil {
		object = map[string]any{}
	}
	object[path[0]] = set(object[path[0]], path[1:], value)
	return object
}

// companions make each plugin go far enough to use the field.
func configOf(kind string, path []string, value string) map[string]any {
	config := map[string]any{"apiVersion": "builtin", "kind": kind, "metadata": map[string]any{"name": "plugin"}}
	target := map[string]any{"kind": "ConfigMap", "name": "victim", "version": "v1"}
	switch kind {
	case "PatchJson6902Transformer", "PatchTransformer":
		config["target"] = target
	case "ValueAddTransformer":
		config["targets"] = []any{map[string]any{"selector": target, "fieldPath": "data/leak"}}
	case "ReplacementTransformer":
		config["replacements"] = []any{}
	}
	return set(config, path, value).(map[string]any)
}

// forms are the ways in which a configuration reaches kustomize.
func forms(config map[string]any, generator bool) map[string]files {
	field := "transformers"
	if generator {
		field = "generators"
	}
	plain, _ := json.Marshal(config)
	harmless := map[string]any{}
	for key, each := range config {
		if key == "apiVersion" || key == "kind" || key == "metadata" {
			harmless[key] = each
		}
	}
	bare, _ := json.Marshal(harmless)
	var operations []any
	for key, each := range config {
		if _, kept := harmless[key]; !kept {
			operations = append(operations, map[string]any{"op": "add", "path": "/" + key, "value": each})
		}
	}
	steps, _ := json.Marshal(operations)
	patched, _ := json.Marshal(map[string]any{
		"resources": []any{"plugin.yaml"},
		"patches":   []any{map[string]any{"patch": string(steps), "target": map[string]any{"name": "plugin"}}},
	})
	validators := "resources: [victim.yaml]\nvalidators: [plugin.yaml]\n"
	return map[string]files{
		"plain":     {"kustomization.yaml": "resources: [victim.yaml]\n" + field + ": [plugin.yaml]\n", "plugin.yaml": string(plain)},
		"patched":   {"kustomization.yaml": "resources: [victim.yaml]\n" + field + ": [p]\n", "p/kustomization.yaml": string(patched), "p/plugin.yaml": string(bare)},
		"nested":    {"kustomization.yaml": "resources: [victim.yaml]\n" + field + ": [p]\n", "p/kustomization.yaml": "resources: [q]", "p/q/kustomization.yaml": "resources: [plugin.yaml]", "p/q/plugin.yaml": string(plain)},
		"inline":    {"kustomization.yaml": "resources: [victim.yaml]\n" + field + ": [" + quoted(plain) + "]\n"},
		"validator": {"kustomization.yaml": validators, "plugin.yaml": string(plain)},
	}
}

// quoted writes a text as a scalar of YAML.
func quoted(text []byte) string {
	scalar, _ := json.Marshal(string(text))
	return string(scalar)
}

type listener struct {
	url      string
	requests atomic.Int64
}

// listen counts every connection, so that not even one that is closed at once goes unseen.
func listen(t *testing.T) *listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	heard := &listener{url: "http://" + l.Addr().String() + "/canary.yaml"}
	go func() {
		for {
			connection, err := l.Accept()
			if err != nil {
				return
			}
			heard.requests.Add(1)
			connection.Close()
		}
	}()
	return heard
}

const canary = "c4n4ry-never-shown"

func TestNoFieldOfAnyPluginReadsOutsideOrConnects(t *testing.T) {
	names := krusty.GetBuiltinPluginNames()
	for _, name := range names {
		if pluginConfigs[name] == nil {
			t.Errorf("builtin plugin %s is new: enter its struct", name)
		}
	}
	heard := listen(t)
	secrets := t.TempDir()
	token := filepath.Join(secrets, "token")
	content := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + canary + "}\ndata: {a: " + canary + "}\n"
	if err := os.WriteFile(token, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	// What a program of ours starts with is what it could leak.
	t.Setenv("CANARY", canary)
	targets := map[string]string{
		"absolute": token, "parent": strings.Repeat("../", 12) + strings.TrimPrefix(token, "/"), "link": "link.yaml",
		"link on the way": "dir/token", "environment": "/proc/self/environ", "key": "leak=" + token,
		"service account": "/var/run/secrets/kubernetes.io/serviceaccount/token", "url": heard.url, "key of url": "leak=" + heard.url,
		"own root": "/proc/self/cwd/../../../../../.." + token,
	}
	fields, builds, refused, succeeded := 0, 0, 0, 0
	for kind, config := range pluginConfigs {
		for _, path := range fieldsOf(reflect.TypeOf(config), nil) {
			fields++
			for name, value := range targets {
				for form, f := range forms(configOf(kind, path, value), strings.HasSuffix(kind, "Generator")) {
					if f["victim.yaml"] == "" {
						f["victim.yaml"] = configMap("victim")
					}
					builds++
					answer, ok := attack(t, f, token)
					if ok {
						succeeded++
					} else {
						refused++
					}
					if strings.Contains(answer, canary) {
						t.Errorf("%s of %s leaks with %s, %s", strings.Join(path, "."), kind, name, form)
					}
				}
			}
		}
	}
	if count := heard.requests.Load(); count != 0 {
		t.Errorf("%d connections were made", count)
	}
	t.Logf("%d plugins, %d fields, %d builds (%d refused, %d harmless), 0 bytes of the canary, %d connections",
		len(pluginConfigs), fields, builds, refused, succeeded, heard.requests.Load())
	if fields < 100 || refused == 0 || succeeded == 0 {
		t.Errorf("the fields are not reached: %d fields, %d refused, %d harmless", fields, refused, succeeded)
	}
}

// attack builds files beside links that lead to the canary, and returns all that the host is told.
func attack(t *testing.T, f files, token string) (answer string, ok bool) {
	t.Helper()
	root := f.write(t)
	for link, target := range map[string]string{"link.yaml": token, "dir": filepath.Dir(token)} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	defer os.RemoveAll(root)
	defer func() {
		// The handler's caller turns a panic into a constant text.
		if recover() != nil {
			answer, ok = "", false
		}
	}()
	body, err := json.Marshal(request{Root: root, Dir: ".", Spec: &spec{}})
	if err != nil {
		t.Fatal(err)
	}
	var questions []string
	ask := func(method string, params any) (json.RawMessage, error) {
		questions = append(questions, fmt.Sprint(method, params))
		return nil, &serve.Refusal{Message: "no"}
	}
	result, failure := handle(body, ask)
	text, err := json.Marshal([]any{result, failure})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + fmt.Sprint(failure, questions), failure == nil
}

// Each thing in kustomize that goes past its file system, and why it gets nowhere.
func TestWhatGoesPastTheFileSystemGetsNowhere(t *testing.T) {
	heard := listen(t)
	t.Run("the loader's HTTP client", func(t *testing.T) {
		if _, err := (&http.Client{}).Get(heard.url); err == nil {
			t.Error("it got an answer")
		}
	})
	exec := "apiVersion: v1\nkind: Exec\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./run.sh}'}}\n"
	container := strings.Replace(exec, "exec: {path: ./run.sh}", "container: {image: x, network: true}", 1)
	inline := func(text string) string { return quoted([]byte(text)) }
	marker := filepath.Join(t.TempDir(), "ran")
	for name, f := range map[string]files{
		"git by exec":            {"kustomization.yaml": "resources: ['" + strings.TrimSuffix(heard.url, "canary.yaml") + "org/repo.git']"},
		"git by ssh":             {"kustomization.yaml": "resources: ['git@127.0.0.1:a/b']"},
		"git of a file":          {"kustomization.yaml": "resources: ['file:///tmp/x.git']"},
		"a schema by HTTP":       {"kustomization.yaml": "namePrefix: x\nopenapi: {path: '" + heard.url + "'}"},
		"a schema outside":       {"kustomization.yaml": "namePrefix: x\nopenapi: {path: /proc/self/environ}"},
		"a function that runs":   {"kustomization.yaml": "transformers: [" + inline(exec) + "]", "run.sh": "#!/bin/sh\ntouch " + marker},
		"a container":            {"kustomization.yaml": "transformers: [" + inline(container) + "]"},
		"an exec plugin":         {"kustomization.yaml": "generators: [" + inline("apiVersion: a/v1\nkind: Run\nmetadata: {name: x}\n") + "]"},
		"the helm program":       {"kustomization.yaml": "helmCharts: [{name: x, repo: '" + heard.url + "'}]"},
		"the helm plugin":        {"kustomization.yaml": "generators: [" + inline("apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: c\nrepo: "+heard.url+"\n") + "]"},
		"a CRD by HTTP":          {"kustomization.yaml": "namePrefix: x\ncrds: ['" + heard.url + "']"},
		"an environment by HTTP": {"kustomization.yaml": "configMapGenerator: [{name: x, envs: ['" + heard.url + "']}]"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := buildFiles(t, f, "."); err == nil {
				t.Error("it was built")
			}
		})
	}
	if _, err := os.Stat(marker); err == nil || heard.requests.Load() != 0 {
		t.Errorf("a program ran (%v), or %d connections were made", err, heard.requests.Load())
	}
	if path, found := os.LookupEnv("PATH"); found {
		t.Errorf("there is a search path: %s", path)
	}
}

func TestASchemaOfOneBuildIsNotThatOfTheNext(t *testing.T) {
	patched := files{
		"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: one, image: x}]}\n",
		"kustomization.yaml": "resources: [a.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Pod, metadata: {name: a}, " +
			"spec: {containers: [{name: two, image: y}]}}'}]\n",
	}
	before, err := buildFiles(t, patched, ".")
	if err != nil {
		t.Fatal(err)
	}
	schema := `{"definitions": {"v1.Pod": {"properties": {}, "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}]}}}`
	custom := files{"a.yaml": patched["a.yaml"], "schema.json": schema, "kustomization.yaml": patched["kustomization.yaml"] + "openapi: {path: schema.json}\n"}
	other, err := buildFiles(t, custom, ".")
	if err != nil {
		t.Fatal(err)
	}
	after, err := buildFiles(t, patched, ".")
	if err != nil {
		t.Fatal(err)
	}
	if string(other.Objects[0]) == string(before.Objects[0]) || string(after.Objects[0]) != string(before.Objects[0]) {
		t.Errorf("before %s\nother %s\nafter %s", before.Objects[0], other.Objects[0], after.Objects[0])
	}
}
