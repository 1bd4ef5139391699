package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/serve"
)

func TestSchemasThatReferOutsideAreReadByTheHostAlone(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	// A file that would do as a schema, so that reading it would not fail.
	local := filepath.Join(t.TempDir(), "local.json")
	check(t, os.WriteFile(local, []byte("{}"), 0o644))
	schemas := map[string]string{
		"an address":            `{"$ref": "` + server.URL + `/s.json"}`,
		"another scheme":        `{"$ref": "ftp://example.com/s.json"}`,
		"a file":                `{"$ref": "file://` + local + `"}`,
		"a path":                `{"properties": {"a": {"$ref": "other.json"}}}`,
		"a path of the machine": `{"$ref": "` + local + `"}`,
		"a meta schema":         `{"$schema": "` + server.URL + `/meta.json"}`,
		"a base":                `{"$id": "` + server.URL + `/a/b.json", "properties": {"a": {"$ref": "c.json"}}}`,
		"an inner base":         `{"properties": {"a": {"$id": "` + server.URL + `/a.json", "$ref": "b.json#/x"}}}`,
		"a dynamic one":         `{"$dynamicRef": "` + server.URL + `/s.json#a"}`,
	}
	for name, schema := range schemas {
		t.Run(name, func(t *testing.T) {
			path := writeChart(t, files{"values.schema.json": schema})
			refused := refusalOf(t, requestFor(path, nil), askNothing)
			if refused.Kind != kindSchemaReference {
				t.Errorf("got %+v", refused)
			}
			inner := writeChart(t, files{
				"charts/sub/Chart.yaml":         "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
				"charts/sub/values.schema.json": schema,
			})
			if got := refusalOf(t, requestFor(inner, nil), askNothing).Kind; got != kindSchemaReference {
				t.Errorf("in a chart inside: got %s", got)
			}
			mustRender(t, requestFor(path, map[string]any{"skipSchemaValidation": true}), askNothing)
		})
	}
	if got := requests.Load(); got != 0 {
		t.Errorf("%d requests were made", got)
	}
}

func TestDocumentsAreAskedOfTheHost(t *testing.T) {
	documents := map[string]string{
		"https://example.com/a/port.json":  `{"$ref": "types.json#/definitions/port"}`,
		"https://example.com/a/types.json": `{"definitions": {"port": {"type": "integer"}}}`,
		"https://example.com/none.json":    `{`,
	}
	var asked []string
	ask := func(method string, params any) (json.RawMessage, error) {
		url := params.(map[string]string)["url"]
		asked = append(asked, method+" "+url)
		text, ok := documents[url]
		if !ok {
			return nil, &serve.Refusal{Message: "no such document"}
		}
		return json.Marshal(text)
	}
	port := func(url string, value any) json.RawMessage {
		schema := `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"port": {"$ref": "` + url + `"}}}`
		path := writeChart(t, files{"values.schema.json": schema})
		return requestFor(path, map[string]any{"values": map[string]any{"port": value}})
	}
	mustRender(t, port("https://example.com/a/port.json", 80), ask)
	want := []string{"schema https://example.com/a/port.json", "schema https://example.com/a/types.json"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %v", asked)
	}
	refused := refusalOf(t, port("https://example.com/a/port.json", "x"), ask)
	if refused.Kind != kindSchema || !strings.Contains(refused.Message, "at '/port': got string, want integer") {
		t.Errorf("got %+v", refused)
	}
	if refused := refusalOf(t, port("https://example.com/none.json", 80), ask); refused.Kind != kindSchema {
		t.Errorf("a document that is no JSON: got %+v", refused)
	}
	if refused := refusalOf(t, port("http://example.com/missing.json", 80), ask); refused.Kind != kindSchemaReference {
		t.Errorf("a document that is not given: got %+v", refused)
	}
	// Names stand for anything, as in Helm.
	mustRender(t, port("urn:example:port", "x"), askNothing)
}

func TestSchemasOfChartsThatAreOffAreNotRead(t *testing.T) {
	sub := files{
		"charts/sub/Chart.yaml":         "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/values.schema.json": `{"$ref": "https://example.com/never.json"}`,
	}
	cases := map[string]files{
		"a condition": {
			"Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n",
			"values.yaml": "sub: {enabled: false}\n",
		},
		"a tag": {
			"Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, tags: [extra]}]\n",
			"values.yaml": "tags: {extra: false}\n",
		},
	}
	for name, more := range cases {
		t.Run(name, func(t *testing.T) {
			maps.Copy(more, sub)
			ask := func(method string, params any) (json.RawMessage, error) {
				t.Errorf("asked for %v", params)
				return nil, &serve.Refusal{}
			}
			mustRender(t, requestFor(writeChart(t, more), nil), ask)
		})
	}
}

func TestSchemas(t *testing.T) {
	draft := `"$schema": "http://json-schema.org/draft-07/schema#"`
	port := `"properties": {"port": {"$ref": "#/definitions/port"}}, "definitions": {"port": {"type": "integer"}}`
	cases := []struct {
		name, schema string
		port         any
		message      string
	}{
		{"that fit", "{" + draft + ", " + port + "}", 80, ""},
		{"with a base of their own", `{"$id": "https://example.com/a.json", ` + port + "}", 80, ""},
		{"that do not fit", "{" + draft + ", " + port + "}", "x", "app:\n- at '/port': got string, want integer\n"},
		{"that are no JSON", "{", 80, "app:\nunexpected EOF"},
		{"that are no schema", `{"type": 1}`, 80, "app:\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := writeChart(t, files{"values.schema.json": c.schema})
			request := requestFor(path, map[string]any{"values": map[string]any{"port": c.port}})
			if c.message == "" {
				mustRender(t, request, askNothing)
				return
			}
			refused := refusalOf(t, request, askNothing)
			if refused.Kind != kindSchema || !strings.Contains(refused.Message, c.message) {
				t.Errorf("got %+v", refused)
			}
		})
	}
}
