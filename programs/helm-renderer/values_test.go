package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// What Helm would make of it: 9.007199254740992e+15.
const long = "9007199254740993"

func TestIntegersKeepTheirDigits(t *testing.T) {
	path := writeChart(t, files{
		"values.yaml":                   "own: " + long + "\nmore: {least: -9223372036854775808}\n---\nshort: 3\n",
		"templates/x.yaml":              configMap(`"{{ .Values.own }} {{ .Values.more.least }} {{ .Values.short }} {{ .Values.mine }} {{ .Values.list }} {{ .Values.big }} {{ .Values.f }}"`),
		"charts/sub/Chart.yaml":         "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/values.yaml":        "own: " + long + "\n",
		"charts/sub/templates/sub.yaml": configMap(`"sub {{ .Values.own }} {{ toYaml .Values.own }}"`),
	})
	values := map[string]any{
		"mine": json.Number(long),
		"list": []any{json.Number("9223372036854775807"), json.Number("1000000")},
		"big":  json.Number("18446744073709551615"),
		"f":    json.Number("0.1"),
	}
	made := mustRender(t, requestFor(path, map[string]any{"values": values}), askNothing)
	for _, want := range []string{
		`"` + long + ` -9223372036854775808 3 ` + long + ` [9223372036854775807 1e+06] 1.8446744073709552e+19 0.1"`,
		`"sub ` + long + ` ` + long + `"`,
	} {
		if !strings.Contains(made.Manifest, want) {
			t.Errorf("want %s in\n%s", want, made.Manifest)
		}
	}
	record, err := json.Marshal(made)
	check(t, err)
	if !strings.Contains(string(record), `"mine":`+long) || !strings.Contains(string(record), `"own":`+long) {
		t.Errorf("the record rounds: %s", record)
	}
	// The record comes back with the next upgrade.
	reuse := map[string]any{"reuse": map[string]any{"chart": made.Chart, "config": made.Config}}
	next := mustRender(t, requestFor(path, map[string]any{"previous": reuse}), askNothing)
	if next.Manifest != made.Manifest {
		t.Errorf("an upgrade that keeps values has\n%s", next.Manifest)
	}
}

func TestSchemasSeeTheDigits(t *testing.T) {
	path := writeChart(t, files{"values.schema.json": `{"properties": {"n": {"type": "integer", "maximum": 9007199254740992}}}`})
	refused := refusalOf(t, requestFor(path, map[string]any{"values": map[string]any{"n": json.Number(long)}}), askNothing)
	if refused.Kind != kindSchema {
		t.Errorf("got %+v", refused)
	}
}
