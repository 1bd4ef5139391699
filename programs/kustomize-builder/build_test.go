package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

func namesIn(t *testing.T, b *built) string {
	t.Helper()
	names := []string{}
	for _, each := range b.Objects {
		var object struct {
			Metadata struct{ Namespace, Name string }
		}
		if err := json.Unmarshal(each, &object); err != nil {
			t.Fatal(err)
		}
		names = append(names, object.Metadata.Namespace+"/"+object.Metadata.Name)
	}
	return strings.Join(names, " ")
}

func TestBuildsADirectoryWithoutAKustomizationFile(t *testing.T) {
	b, err := buildFiles(t, files{
		"a.yaml": configMap("a"), "readme.md": "", "sub/b.yml": configMap("b"), "empty.yaml": "# nothing\n---\n",
		".hidden.yaml":               configMap("hidden"),
		"sub/own/kustomization.yaml": "resources: [c.yaml]", "sub/own/c.yaml": configMap("c"),
		"sub/own/unused.yaml": configMap("unused"), "values.json": `{"not": "read"}`,
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if got := namesIn(t, b); got != "/hidden /a /b /c" {
		t.Errorf("got %s", got)
	}
	if strings.Contains(b.Seen, "sub/own/unused.yaml") {
		t.Errorf("looked at what it does not need: %s", b.Seen)
	}
}

func TestTellsNothingToBuildFromNoManifests(t *testing.T) {
	for name, expected := range map[string]bool{"readme.md": true, "kustomization.yaml": false} {
		b, err := buildFiles(t, files{name: ""}, ".")
		if err != nil || len(b.Objects) != 0 || b.NoManifests != expected {
			t.Errorf("%s: %+v %v", name, b, err)
		}
	}
}

func TestPutsTheSpecIntoTheKustomizationFile(t *testing.T) {
	root := files{
		"app/kustomization.yaml":  "resources: [a.yaml]\nnamePrefix: ignored-\nimages: [{name: x, newTag: '2'}]",
		"app/a.yaml":              `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: "x:1"}]}}`,
		"comp/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [b.yaml]",
		"comp/b.yaml":             configMap("b"),
	}.write(t)
	target := &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: "Pod"}}}
	patch := types.Patch{Patch: "- {op: add, path: /spec/hostname, value: h}", Target: target}
	b, err := run(t, request{Root: root, Dir: "app", Spec: &spec{
		Namespace: "team", NamePrefix: "p-", NameSuffix: "-s", Patches: []types.Patch{patch},
		Images:     []types.Image{{Name: "x", NewName: "mirror/x"}},
		Components: []string{"../comp", "../missing"}, IgnoreMissingComponents: true,
	}}, noQuestions)
	if err != nil {
		t.Fatal(err)
	}
	if got := namesIn(t, b); got != "team/p-a-s team/p-b-s" {
		t.Errorf("got %s", got)
	}
	for _, expected := range []string{`"image":"mirror/x:2"`, `"hostname":"h"`} {
		if !strings.Contains(string(b.Objects[0]), expected) {
			t.Errorf("%s is not in %s", expected, b.Objects[0])
		}
	}
}

func TestBuildsFilesInMemoryAlone(t *testing.T) {
	b, err := run(t, request{Dir: ".", Files: map[string]string{
		"kustomization.yaml": "resources: [in.yaml]\nnamePrefix: p-", "in.yaml": configMap("a"),
	}}, noQuestions)
	if err != nil || namesIn(t, b) != "/p-a" || strings.Contains(b.Seen, "in.yaml") {
		t.Errorf("%+v %v", b, err)
	}
}

func TestComparesExactlyWhatTheBuildLookedAt(t *testing.T) {
	original := files{
		"app/kustomization.yaml": "resources: [a.yaml, ../base]\nconfigMapGenerator: [{name: g, files: [g.txt]}]",
		"app/a.yaml":             configMap("a"), "app/g.txt": "1", "base/b.yaml": configMap("b"),
		"base/kustomization.yaml": "resources: [b.yaml]", "other/c.yaml": configMap("c"),
	}
	b, err := buildFiles(t, original, "app")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change files
		same   bool
	}{
		"nothing":                   {files{}, true},
		"another directory":         {files{"other/c.yaml": configMap("d"), "readme.md": "x"}, true},
		"a resource":                {files{"app/a.yaml": configMap("x")}, false},
		"a resource of a base":      {files{"base/b.yaml": configMap("x")}, false},
		"a generator's file":        {files{"app/g.txt": "2"}, false},
		"another name for the file": {files{"base/Kustomization": "resources: []"}, false},
	} {
		changed := files{}
		for _, each := range []files{original, test.change} {
			for path, content := range each {
				changed[path] = content
			}
		}
		body := fmt.Sprintf(`{"root": %q, "seen": %q}`, changed.write(t), b.Seen)
		result, err := handle(json.RawMessage(body), noQuestions)
		if err != nil || result.(compared).Same != test.same {
			t.Errorf("%s: %+v %v", name, result, err)
		}
	}
}

func TestRefusesPathsOutsideWhateverTheField(t *testing.T) {
	fields := map[string]string{
		"resources": `resources: [%q]`, "bases": `bases: [%q]`, "components": `components: [%q]`, "crds": `crds: [%q]`,
		"configurations": `configurations: [%q]`, "patches": `patches: [{path: %q}]`,
		"patchesJson6902": `patchesJson6902: [{path: %q, target: {version: v1, kind: ConfigMap, name: a}}]`,
		"merge":           `patchesStrategicMerge: [%q]`, "replacements": `replacements: [{path: %q}]`,
		"openapi": `openapi: {path: %q}`, "transformers": `transformers: [%q]`, "generators": `generators: [%q]`,
		"validators": `validators: [%q]`, "files": `configMapGenerator: [{name: g, files: [%q]}]`,
		"envs": `configMapGenerator: [{name: g, envs: [%q]}]`,
	}
	for name, field := range fields {
		for _, target := range []string{"../../outside.yaml", "/etc/passwd", "a/../../../etc/passwd"} {
			_, err := buildFiles(t, files{
				"app/kustomization.yaml": "namePrefix: x-\n" + fmt.Sprintf(field, target), "app/a.yaml": configMap("a"),
			}, "app")
			if err == nil || !strings.Contains(err.Message, "leads out of the artifact") &&
				!strings.Contains(err.Message, "is absolute") || !strings.Contains(err.Message, "app/kustomization.yaml") {
				t.Errorf("%s %s: %+v", name, target, err)
			}
		}
	}
}

func TestRefusesLinksWhereverTheyLead(t *testing.T) {
	for link, target := range map[string]string{"link.yaml": "/etc/passwd", "dir": "/etc", "in.yaml": "a.yaml"} {
		reference := map[string]string{"dir": "dir/passwd"}[link]
		if reference == "" {
			reference = link
		}
		root := files{"kustomization.yaml": "resources: [" + reference + "]", "a.yaml": configMap("a")}.write(t)
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
		_, err := run(t, request{Root: root, Dir: ".", Spec: &spec{}}, noQuestions)
		if err == nil || !strings.Contains(err.Message, "'"+link+"' in the artifact is a symbolic link") {
			t.Errorf("%s: %+v", link, err)
		}
	}
}

func TestExplainsWithFileLineAndKind(t *testing.T) {
	for expected, f := range map[string]files{
		"dir/bad.yaml:3: mapping values are not allowed": {"good.yaml": configMap("a"), "dir/bad.yaml": "a: b\nc: d\n  e: f: g\n"},
		"values.yaml:1: not a Kubernetes object: 'apiVersion' is missing": {
			"good.yaml": configMap("a"), "values.yaml": "replicas: 1\n"},
		"resources[0] of kustomization.yaml: \"nowhere.yaml\" does not exist": {
			"kustomization.yaml": "resources: [nowhere.yaml]"},
		"resources[0] of kustomization.yaml: directory \"sub\" has no kustomization file": {
			"kustomization.yaml": "resources: [sub]", "sub/a.txt": ""},
		"base/kustomization.yaml: 'resorces' is not a field": {
			"kustomization.yaml": "resources: [base]", "base/kustomization.yaml": "resorces: []\nnamePrefix: x"},
		"twice.yaml:4: a key is given twice":  {"twice.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nkind: Secret\n"},
		"a line that starts with --- goes on": {"a.yaml": "--- " + configMap("a") + "\n--- " + configMap("b") + "\n"},
		"resources must be a list":            {"kustomization.yaml": "resources: a.yaml"},
		"helmCharts is not allowed":           {"kustomization.yaml": "helmCharts: [{name: x}]"},
		"plugin that runs a program": {"a.yaml": configMap("a"), "kustomization.yaml": "resources: [a.yaml]\n" +
			"transformers: [\"apiVersion: v1\\nkind: Exec\\nmetadata: {name: x}\"]"},
		"refer to each other: . → b → .": {"kustomization.yaml": "resources: [b]", "b/kustomization.yaml": "resources: [..]"},
		"kustomize build failed: there are no matches": {"a.yaml": configMap("a"), "kustomization.yaml": "resources: [a.yaml]\n" +
			"patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}'}]"},
		"several kustomization files": {"kustomization.yaml": "", "kustomization.yml": ""},
		"resources[0] of kustomization.yaml is remote, which --no-remote-bases forbids": {
			"kustomization.yaml": "resources: ['https://example.com/a.yaml']"},
		"components[0] of kustomization.yaml is remote, which": {"kustomization.yaml": "components: ['git@example.com:a/b']"},
	} {
		_, err := buildFiles(t, f, ".")
		if err == nil || !strings.Contains(err.Message, expected) {
			t.Errorf("wanted %s, got %+v", expected, err)
		}
	}
}

func TestStopsBasesThatNestTooDeep(t *testing.T) {
	f := files{}
	for n := range 150 {
		f[fmt.Sprintf("d%d/kustomization.yaml", n)] = fmt.Sprintf("resources: [../d%d]", n+1)
	}
	_, err := buildFiles(t, f, "d0")
	if err == nil || !strings.Contains(err.Message, "deeper than 100 levels") {
		t.Errorf("%+v", err)
	}
}

func TestStopsAtFilesAndBytesInAll(t *testing.T) {
	f := files{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": configMap("a")}
	for name, before := range map[string]struct {
		files int
		bytes int64
		ends  bool
	}{
		"the last files":      {maxFiles - 2, 0, false},
		"a file too many":     {maxFiles - 1, 0, true},
		"the last bytes":      {0, maxBytes - int64(len(f["kustomization.yaml"]+f["a.yaml"])), false},
		"one byte too many":   {0, maxBytes - int64(len(f["kustomization.yaml"]+f["a.yaml"])) + 1, true},
		"all bytes are taken": {0, maxBytes, true},
	} {
		tree, err := newTree(request{Root: f.write(t)}, noQuestions)
		if err != nil {
			t.Fatal(err)
		}
		tree.files, tree.bytes = before.files, before.bytes
		_, err = build(tree, request{Dir: "."})
		tree.close()
		ended := err != nil && strings.Contains(err.Error(), "reads more than 50000 files or 536870912 bytes")
		if ended != before.ends || !ended && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCountsAliasesAsWhatTheyStandFor(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	inner, _ := json.Marshal("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" + bomb)
	for name, f := range map[string]files{
		"a resource":        {"a.yaml": configMap("a") + "\n---\n" + bomb},
		"an inline patch":   {"a.yaml": configMap("a"), "kustomization.yaml": "resources: [a.yaml]\npatches: [{patch: " + string(inner) + "}]"},
		"the kustomization": {"kustomization.yaml": bomb},
		"a base's":          {"kustomization.yaml": "resources: [b]", "b/kustomization.yaml": bomb},
	} {
		_, err := buildFiles(t, f, ".")
		if err == nil || !strings.Contains(err.Message, "aliases written out are more than") {
			t.Errorf("%s: %+v", name, err)
		}
	}
	few := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: &x text, b: *x}\n"
	if b, err := buildFiles(t, files{"a.yaml": few}, "."); err != nil || !strings.Contains(string(b.Objects[0]), `"b":"text"`) {
		t.Errorf("%v", err)
	}
}

func TestRefusesWhatGitCryptHasEncrypted(t *testing.T) {
	const sealed = "\x00GITCRYPT\x00\x01\x02\x03"
	for name, f := range map[string]files{
		"an object":               {"kustomization.yaml": "resources: [s.yaml]", "s.yaml": sealed},
		"a patch":                 {"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: s.yaml}]", "a.yaml": configMap("a"), "s.yaml": sealed},
		"a file of a generator":   {"kustomization.yaml": "secretGenerator: [{name: g, files: [s.yaml]}]", "s.yaml": sealed},
		"without a kustomization": {"s.yaml": sealed},
	} {
		_, err := buildFiles(t, f, ".")
		if err == nil || err.Kind != "build" || err.Message != "'s.yaml' is encrypted with git-crypt, which nothing here decrypts: encrypt it with SOPS" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
