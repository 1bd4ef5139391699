package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// exactValues are values in which numbers are floats, as Helm reads them, but for the integers that a float would
// round: these keep their digits, as those of --set do.
type exactValues map[string]any

func (v *exactValues) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var read map[string]any
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	for key, value := range read {
		read[key] = withNumbers(value)
	}
	*v = read
	return nil
}

func withNumbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			value[key] = withNumbers(item)
		}
	case []any:
		for index, item := range value {
			value[index] = withNumbers(item)
		}
	case json.Number:
		return numberOf(value)
	}
	return value
}

func numberOf(text json.Number) any {
	float, err := text.Float64()
	if err != nil {
		return text
	}
	integer, err := text.Int64()
	if err != nil || strconv.FormatFloat(float, 'f', -1, 64) == text.String() {
		return float
	}
	return integer
}

// reusedChart is the chart of a release as its record has it.
type reusedChart struct{ chart.Chart }

func (c *reusedChart) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &c.Chart); err != nil {
		return err
	}
	if !longInteger.Match(text) {
		return nil
	}
	var exact struct {
		Values exactValues `json:"values"`
	}
	if err := json.Unmarshal(text, &exact); err != nil {
		return err
	}
	c.Values = exact.Values
	return nil
}

var longInteger = regexp.MustCompile(`[0-9]{16}`)

// keepDigits reads the default values of a chart, and of those inside it, anew where Helm has rounded some.
func keepDigits(ch *chart.Chart) error {
	for _, file := range ch.Raw {
		if file.Name != "values.yaml" || !longInteger.Match(file.Data) {
			continue
		}
		values, err := readValues(file.Data)
		if err != nil {
			return err
		}
		ch.Values = values
	}
	for _, sub := range ch.Dependencies() {
		if err := keepDigits(sub); err != nil {
			return err
		}
	}
	return nil
}

// readValues merges the documents of a values file.
func readValues(text []byte) (map[string]any, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(append(bytes.Clone(text), '\n'))))
	values := map[string]any{}
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, err
		}
		var read exactValues
		if err := json.Unmarshal(text, &read); err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, read)
	}
}
