package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/serve"
)

func TestInstallAndUpgrade(t *testing.T) {
	path := writeChart(t, files{
		"values.yaml":         "size: 1\nkept: chart\n",
		"templates/NOTES.txt": "revision {{ .Release.Revision }}",
		"templates/x.yaml":    configMap(`"{{ .Release.IsUpgrade }} {{ .Values.size }} {{ .Values.kept }} {{ .Values.n }}"`),
		"templates/hook.yaml": configMap("hook") + "---\n",
		"templates/test.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n",
	})
	settings := map[string]any{"set": []string{"n=3000000"}, "values": map[string]any{"size": 2000000}, "revision": 7}
	first := mustRender(t, requestFor(path, settings), askNothing)
	if !strings.Contains(first.Manifest, `"false 2e+06 chart 3000000"`) || first.Info.Notes != "revision 1" {
		t.Error(first.Manifest, first.Info.Notes)
	}
	if len(first.Hooks) != 1 || first.ApplyMethod != "csa" || first.Version != 1 {
		t.Errorf("got %+v", first)
	}
	settings["previous"] = map[string]any{
		"firstDeployed": "2020-01-02T03:04:05Z",
		"reuse": map[string]any{
			"chart":  map[string]any{"metadata": map[string]any{"name": "app"}, "values": map[string]any{"old": 1}},
			"config": map[string]any{"size": 5, "kept": "before"},
		},
	}
	settings["serverSideApply"] = true
	second := mustRender(t, requestFor(path, settings), askNothing)
	if !strings.Contains(second.Manifest, `"true 2e+06 before 3000000"`) || second.Info.Notes != "revision 7" {
		t.Error(second.Manifest, second.Info.Notes)
	}
	if second.Version != 7 || second.Info.FirstDeployed.Year() != 2020 || second.ApplyMethod != "ssa" {
		t.Errorf("got %+v", second.Info)
	}
	if second.Config["kept"] != "before" {
		t.Errorf("got %v", second.Config)
	}
}

func TestKindsOfRefusals(t *testing.T) {
	const withDependency = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n"
	cases := []struct {
		name, kind, message string
		files               files
		more                map[string]any
	}{
		{"a template", kindTemplate, "app/templates/x.yaml:1:13", files{"templates/x.yaml": "a: {{ .Values.x.y }}"}, nil},
		{"no template", kindTemplate, "parse error at (app/templates/x.yaml:1)", files{"templates/x.yaml": "{{ if }}"}, nil},
		{"no YAML", kindTemplate, "YAML parse error on app/templates/x.yaml", files{"templates/x.yaml": "a: [\nb"}, nil},
		{"the cluster", kindKubeVersion, "chart requires kubeVersion: <1.2.0 which is incompatible with Kubernetes v1.36.3",
			files{"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\nkubeVersion: <1.2.0\n"}, nil},
		{"a missing chart", kindOther, "missing in charts/ directory: sub", files{"Chart.yaml": withDependency}, nil},
		{"a library", kindOther, "library charts are not installable",
			files{"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ntype: library\n"}, nil},
		{"the name", kindOther, "release name", nil, map[string]any{"name": "Not_A_Name"}},
		{"a setting", kindOther, "--set", nil, map[string]any{"set": []string{"a[99999999]=1"}}},
		{"the form", kindOther, "the request", nil, map[string]any{"values": "x"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			refused := refusalOf(t, requestFor(writeChart(t, c.files), c.more), askNothing)
			if refused.Kind != c.kind || !strings.Contains(refused.Message, c.message) {
				t.Errorf("got %+v", refused)
			}
		})
	}
}

func TestLookupsAreAskedOfTheHost(t *testing.T) {
	var asked []string
	ask := func(method string, params any) (json.RawMessage, error) {
		question, err := json.Marshal(params)
		check(t, err)
		asked = append(asked, method+string(question))
		switch params.(lookupQuestion).Kind {
		case "List":
			return json.RawMessage(`{"apiVersion":"v1","kind":"XList","items":[{"metadata":{"name":"a"},"size":3}]}`), nil
		case "Missing":
			return json.RawMessage("null"), nil
		case "Odd":
			return json.RawMessage(`[1]`), nil
		}
		return nil, &serve.Refusal{Message: `x "b" is forbidden`}
	}
	path := writeChart(t, files{"templates/x.yaml": configMap(
		`"{{ range (lookup "v1" "List" "ns" "").items }}{{ .kind }} {{ .metadata.name }} {{ printf "%T" .size }}{{ end }}` +
			` {{ empty (tpl "{{ lookup \"v1\" \"Missing\" \"ns\" \"b\" | toJson }}" . | fromJson) }}"`)})
	if got := mustRender(t, requestFor(path, nil), ask).Manifest; !strings.Contains(got, `"X a int64 true"`) {
		t.Error(got)
	}
	if want := `lookup{"apiVersion":"v1","kind":"List","namespace":"ns","name":""}`; asked[0] != want {
		t.Errorf("asked %s", asked[0])
	}
	for kind, message := range map[string]string{"Secret": `x "b" is forbidden`, "Odd": "is no object"} {
		path := writeChart(t, files{"templates/x.yaml": `{{ lookup "v1" "` + kind + `" "ns" "b" }}`})
		refused := refusalOf(t, requestFor(path, nil), ask)
		if refused.Kind != kindTemplate || !strings.Contains(refused.Message, "error calling lookup: ") ||
			!strings.Contains(refused.Message, message) {
			t.Errorf("got %+v", refused)
		}
	}
}

func TestTemplatesReachNothingElse(t *testing.T) {
	t.Setenv("CANARY", "CANARY")
	for name, text := range map[string]string{
		"the DNS":              `{{ getHostByName "localhost" }}`,
		"files of the machine": `{{ .Files.Get "/etc/passwd" }}{{ .Files.Get "../../../etc/passwd" }}`,
		"files by pattern":     `{{ range $a, $b := .Files.Glob "/etc/*" }}x{{ end }}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := writeChart(t, files{"templates/x.yaml": configMap(`"<` + text + `>"`)})
			if got := mustRender(t, requestFor(path, nil), askNothing).Manifest; !strings.Contains(got, `"<>"`) {
				t.Error(got)
			}
		})
	}
	for _, function := range []string{"env", "expandenv"} {
		path := writeChart(t, files{"templates/x.yaml": `{{ ` + function + ` "CANARY" }}`})
		if got := refusalOf(t, requestFor(path, nil), askNothing).Message; !strings.Contains(got, "not defined") {
			t.Error(got)
		}
	}
	allowed := writeChart(t, files{"templates/x.yaml": configMap(`"<{{ getHostByName "localhost" }}>"`)})
	request := requestFor(allowed, map[string]any{"enableDns": true})
	if got := mustRender(t, request, askNothing).Manifest; strings.Contains(got, `"<>"`) {
		t.Error(got)
	}
}

func TestOneRenderingDoesNotEndTheNext(t *testing.T) {
	deep := writeChart(t, files{"templates/x.yaml": `{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}`})
	if got := refusalOf(t, requestFor(deep, nil), askNothing); !strings.Contains(got.Message, "nested reference") {
		t.Error(got.Message)
	}
	huge := writeChart(t, files{"templates/x.yaml": `{{ $a := repeat 200000000 "x" }}{{ len $a }}: b`})
	mustRender(t, requestFor(huge, nil), askNothing)
	mustRender(t, requestFor(writeChart(t, nil), nil), askNothing)
	if held := heldBytes(); held > keptBytes {
		t.Errorf("%d bytes are held for a chart without templates", held)
	}
}
