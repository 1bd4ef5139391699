// Renders templates with Go's text/template and sprig's functions without side effects, as Flux does with those of its
// ImageUpdateAutomation: a JSON request on standard input, a JSON answer on standard output.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

type objectReference struct {
	APIVersion, Kind, Namespace, Name, UID, ResourceVersion string
}

type event struct {
	InvolvedObject                                                               objectReference
	Severity, Timestamp, Message, Reason, ReportingController, ReportingInstance string
	Metadata                                                                     map[string]string
}

type namespacedName struct{ Namespace, Name string }

type data struct {
	Event event
	Alert namespacedName
}

type request struct {
	Data      data
	Templates []string
}

type answer struct {
	Parses bool   `json:"parses"`
	Error  string `json:"error,omitempty"`
	Text   string `json:"text"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	answers := []answer{}
	for _, text := range asked.Templates {
		answers = append(answers, render(text, asked.Data))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}

func render(text string, of data) answer {
	parsed, err := template.New("message").Funcs(sprig.HermeticTxtFuncMap()).Parse(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var result strings.Builder
	if err := parsed.Execute(&result, of); err != nil {
		return answer{Parses: true, Error: err.Error()}
	}
	return answer{Parses: true, Text: result.String()}
}
