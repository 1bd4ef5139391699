package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// maxWarnings bounds what a build warns of.
const maxWarnings = 10

// fieldNames are the fields of a kustomization file as they are written, by their names in small letters: kustomize
// does not mind the case of letters.
var fieldNames = func() map[string]string {
	names := map[string]string{}
	var add func(reflect.Type)
	add = func(fields reflect.Type) {
		for at := range fields.NumField() {
			field := fields.Field(at)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" {
				names[strings.ToLower(name)] = name
			} else if field.Anonymous {
				add(field.Type)
			}
		}
	}
	add(reflect.TypeFor[types.Kustomization]())
	return names
}()

// warnOfUnknown notes the first field of a kustomization file that there is not. Kustomize would refuse it; the one of
// the directory to build it does not get to see.
func (t *tree) warnOfUnknown(local string, content []byte) {
	var k types.Kustomization
	err := k.Unmarshal(content)
	if err == nil {
		return
	}
	if field := unknownField(err); field != "" {
		text := "'%s' has '%s', which is no field of a kustomization file: it has no effect, remove it"
		t.warnings = append(t.warnings, fmt.Sprintf(text, local, field))
	}
}

// warnOfDuplicates notes the fields that a kustomization file gives twice, of which kustomize takes the last.
func (t *tree) warnOfDuplicates(local string, content []byte) {
	var document yaml.Node
	if yaml.NewDecoder(bytes.NewReader(content)).Decode(&document) != nil || len(document.Content) != 1 {
		return
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return
	}
	lines := map[string]int{}
	for at := 0; at+1 < len(root.Content); at += 2 {
		key := root.Content[at]
		name, known := fieldNames[strings.ToLower(key.Value)]
		if !known {
			continue
		}
		if first, twice := lines[name]; twice && len(t.warnings) < maxWarnings {
			text := "'%s' gives %s twice, in lines %d and %d: the last one counts, remove the other"
			t.warnings = append(t.warnings, fmt.Sprintf(text, local, name, first, key.Line))
		}
		lines[name] = key.Line
	}
}
