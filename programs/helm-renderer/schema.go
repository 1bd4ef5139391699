package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"sluice/serve"
)

// Where a schema seems to lie, so that messages are those of Helm.
const schemaURL = "file:///values.schema.json"

// outside is where schemas are loaded from that others refer to. Documents at addresses the host reads, files nobody.
// What JSON Schema itself defines, the library brings along.
type outside struct {
	ask serve.Ask
	// The first that was not given.
	refused string
}

func (o *outside) Load(url string) (any, error) {
	scheme, _, _ := strings.Cut(url, ":")
	switch scheme {
	case "urn":
		// Names stand for anything, as in Helm.
		return true, nil
	case "http", "https":
		answer, err := o.ask("schema", map[string]string{"url": url})
		if err != nil {
			return nil, o.refuse(url, err)
		}
		var text string
		if err := json.Unmarshal(answer, &text); err != nil {
			return nil, o.refuse(url, err)
		}
		return jsonschema.UnmarshalJSON(strings.NewReader(text))
	}
	return nil, o.refuse(url, errors.New("references that lead out of a schema are not followed"))
}

func (o *outside) refuse(url string, err error) error {
	if o.refused == "" {
		o.refused = url
	}
	return err
}

// checkSchemas compares values with the schemas of a chart and of those inside it.
func checkSchemas(ch *chart.Chart, values common.Values, ask serve.Ask) error {
	text, err := schemaFailures(ch, values, ask)
	if err != nil || text == "" {
		return err
	}
	const start = "values don't meet the specifications of the schema(s) in the following chart(s):\n"
	return refuse(kindSchema, errors.New(start+text))
}

func schemaFailures(ch *chart.Chart, values map[string]any, ask serve.Ask) (string, error) {
	var text strings.Builder
	if ch.Schema != nil {
		failure, err := schemaFailure(ch.Schema, values, ask)
		if err != nil {
			return "", err
		}
		if failure != "" {
			fmt.Fprintf(&text, "%s:\n%s", ch.Name(), failure)
		}
	}
	for _, sub := range ch.Dependencies() {
		switch own := values[sub.Name()].(type) {
		case nil:
		case map[string]any:
			failures, err := schemaFailures(sub, own, ask)
			if err != nil {
				return "", err
			}
			text.WriteString(failures)
		default:
			const form = "%s:\ninvalid type for values: expected object (map), got %T\n"
			fmt.Fprintf(&text, form, sub.Name(), own)
		}
	}
	return text.String(), nil
}

// schemaFailure says in the words of Helm what is wrong; empty when nothing is. It fails for a schema that refers to
// something that is not read.
func schemaFailure(text []byte, values map[string]any, ask serve.Ask) (failure string, err error) {
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Sprintf("unable to validate schema: %s", r)
		}
	}()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err.Error(), nil
	}
	references := outside{ask: ask}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(&references)
	if err := compiler.AddResource(schemaURL, schema); err != nil {
		return err.Error(), nil
	}
	validator, err := compiler.Compile(schemaURL)
	if references.refused != "" {
		return "", &serve.Error{
			Kind:    kindSchemaReference,
			Message: "a values.schema.json refers to something outside of itself",
			Details: map[string]string{"reference": strings.TrimPrefix(references.refused, "file:///")},
		}
	}
	if err != nil {
		return err.Error(), nil
	}
	if values == nil {
		values = map[string]any{}
	}
	if err := validator.Validate(values); err != nil {
		start := "jsonschema validation failed with '" + schemaURL + "#'\n"
		return strings.TrimPrefix(err.Error(), start) + "\n", nil
	}
	return "", nil
}
