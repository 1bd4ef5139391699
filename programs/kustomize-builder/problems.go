package main

import (
	"bytes"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

var fromParser = regexp.MustCompile(`did not find expected (?:key|'|,|node content|<document)`)

// yamlWords are what the parser says without repeating anything of its input.
var yamlWords = []string{
	"mapping values are not allowed in this context",
	"block sequence entries are not allowed in this context",
	"block collection entries are not allowed in this context",
	"mapping keys are not allowed in this context",
	"did not find expected key",
	"did not find expected '-' indicator",
	"did not find expected ',' or ']'",
	"did not find expected ',' or '}'",
	"did not find expected node content",
	"did not find expected <document start>",
	"did not find expected alphabetic or numeric character",
	"did not find expected hexdecimal number",
	"did not find expected whitespace or line break",
	"did not find expected comment or line break",
	"could not find expected ':'",
	"found character that cannot start any token",
	"found a tab character that violates indentation",
	"found a tab character where an indentation space is expected",
	"found unexpected end of stream",
	"found unexpected document indicator",
	"found unknown escape character",
	"found undefined tag handle",
	"found duplicate %YAML directive",
	"found incompatible YAML document",
	"control characters are not allowed",
	"invalid leading UTF-8 octet",
	"invalid Unicode character",
	"incomplete UTF-8 octet sequence",
	"invalid trailing UTF-8 octet",
	"exceeded max depth",
}

// yamlProblem returns line and kind of the first thing that is wrong with a text, in words that hold nothing of it.
func yamlProblem(content []byte) (line int, problem string) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) || err == nil && document.IsZero() {
			return 0, ""
		}
		if err == nil {
			continue
		}
		match := yamlLine.FindStringSubmatch(err.Error())
		if match == nil {
			return 1, "it cannot be parsed"
		}
		line, _ = strconv.Atoi(match[1])
		if line > 0 && fromParser.MatchString(match[2]) {
			// The library counts the lines of these from 0.
			line++
		}
		line = max(line, 1)
		if strings.HasPrefix(match[2], "unknown anchor") {
			return line, "an alias has no anchor"
		}
		for _, words := range yamlWords {
			if strings.Contains(match[2], words) {
				return line, words
			}
		}
		return line, "it cannot be parsed"
	}
}

var definedBefore = regexp.MustCompile(`line (\d+): mapping key .* already defined at line`)

// duplicateKeyLine returns the line of the first key of a mapping that has it already; 0 when there is none.
func duplicateKeyLine(content []byte) int {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var value any
		err := decoder.Decode(&value)
		if err == nil {
			continue
		}
		match := definedBefore.FindStringSubmatch(err.Error())
		if match == nil {
			return 0
		}
		line, _ := strconv.Atoi(match[1])
		return line
	}
}

// objectProblem returns what a text lacks to be a stream of Kubernetes objects, and the line of the object.
func objectProblem(content []byte) (line int, problem string) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		if decoder.Decode(&document) != nil {
			return 0, ""
		}
		if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
			continue
		}
		object := document.Content[0]
		if object.Kind != yaml.MappingNode {
			return object.Line, "a YAML mapping is expected"
		}
		for _, field := range []string{"apiVersion", "kind", "metadata"} {
			if !hasKey(object, field) {
				return object.Line, "'" + field + "' is missing"
			}
		}
	}
}

func hasKey(object *yaml.Node, key string) bool {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == key {
			return true
		}
	}
	return false
}

// sentences tell what kustomize means by words that its errors hold. The first that fits is taken.
var sentences = []struct{ words, sentence string }{
	{"no matches for Id", "there are no matches for an object that a patch changes"},
	{"no resource matches", "there are no matches for an object that a patch changes"},
	{"multiple matches for Id", "several objects match a patch that is for one"},
	{"unable to find patch target", "a patch has a target that cannot be read"},
	{"already registered id", "two resources have the same kind, name and namespace"},
	{"may not add resource", "two resources have the same kind, name and namespace"},
	{"ID conflict", "two resources have the same kind, name and namespace"},
	{"namespace transformation produces ID conflict", "two resources get the same kind, name and namespace"},
	{"exists; behavior must be merge or replace", "a generator makes an object that exists: set its behavior"},
	{"does not exist; cannot merge or replace", "a generator with a behavior changes an object that does not exist"},
	{"testing value", "a JSON patch tests a value that is another"},
	{"operation does not apply", "a JSON patch does not fit the object that it changes"},
	{"jsonpatch", "a JSON patch does not fit the object that it changes"},
	{"json patch", "a JSON patch cannot be read"},
	{"JSON patch", "a patch cannot be read: it must be a strategic merge patch or a JSON patch"},
	{"patch appears to be empty", "a patch is empty"},
	{"must specify one of patch and path", "a patch has neither 'patch' nor 'path'"},
	{"patch and path can't be set", "a patch has both 'patch' and 'path'"},
	{"Multiple Strategic-Merge Patches", "a patch with a target holds several patches: split it"},
	{"must specify a target", "a JSON patch has no target"},
	{"wrong Node Kind", "a patch or field sets a value of another type than is there"},
	{"nothing selected by", "the source of a replacement selects no object"},
	{"multiple matches for selector", "the source of a replacement selects several objects"},
	{"is missing for replacement source", "the field of a replacement's source does not exist"},
	{"replacements must specify", "a replacement has no source or no target"},
	{"unable to find field", "the field of a replacement's target does not exist"},
	{"fieldPath", "a replacement has a fieldPath that does not fit"},
	{"missing metadata.name", "an object has no metadata.name"},
	{"missing Resource metadata", "an object has no metadata"},
	{"expected kind 'Component'", "a component is listed that is no Component"},
	{"expected kind != 'Component'", "a Component is listed as a resource: list it in components"},
	{"kustomization.yaml is empty", "a kustomization file is empty"},
	{"Found multiple kustomization files", "a directory has several kustomization files, keep one"},
	{"unable to find one of", "a directory has no kustomization file: add one"},
	{"cycle detected", "a base contains the directory that refers to it"},
	{"invalid literal source", "a generator has a literal that is not key=value"},
	{"is not a valid key name", "a generator has a key that is no name"},
	{"is not valid name", "a generator has a key that is no name"},
	{"is not a valid environment variable", "a file of env variables has a name that is none"},
	{"cannot add key", "a generator has the same key twice"},
	{"invalid document separator", "a line that starts with --- goes on: put what follows into the next line"},
	{"already defined at line", "a manifest gives a key twice: keep one"},
	{"MalformedYAML", "a file is not YAML of Kubernetes objects"},
	{"invalid Kustomization", "a kustomization file has a field that is unknown or of another type"},
	{"OpenAPI", "openapi of a kustomization cannot be used"},
	{"unable to load builtin", "a generator, transformer or validator is none that kustomize has"},
	{"fails configuration", "a generator, transformer or validator has a configuration that does not fit"},
	{"var '", "a var of a kustomization cannot be resolved"},
}

var objectID = regexp.MustCompile(`Id ([A-Z][A-Za-z]{0,62})(?:\.[a-z0-9.\[\]A-Z-]{1,200})?/([a-z0-9][a-z0-9.-]{0,252})\.`)

// classify tells what kustomize means, the object by its kind and name, and the file that it names if it was read.
func classify(t *tree, err error) string {
	if err == nil {
		return "it cannot be read"
	}
	text := err.Error()
	sentence := "kustomize refuses it; run 'kustomize build' on the files to see why"
	at := slices.IndexFunc(sentences, func(s struct{ words, sentence string }) bool { return strings.Contains(text, s.words) })
	if at >= 0 {
		sentence = sentences[at].sentence
	}
	if match := objectID.FindStringSubmatch(text); match != nil {
		sentence += " (" + match[1] + " '" + match[2] + "')"
	}
	if named := t.fileNamedIn(text); named != "" {
		sentence += ", see " + named
	}
	return sentence
}

// fileNamedIn returns the file of the artifact whose path an error holds, in quotes or at its end.
func (t *tree) fileNamedIn(text string) string {
	for _, local := range t.readFiles() {
		for _, dir := range t.kustomizationDirs() {
			relative := relativeTo(dir, local)
			if strings.Contains(text, `"`+relative+`"`) || strings.Contains(text, `'`+relative+`'`) {
				return local
			}
		}
	}
	return ""
}

func (t *tree) kustomizationDirs() (dirs []string) {
	for _, local := range t.kustomizations {
		dirs = append(dirs, path.Dir(local))
	}
	return dirs[:min(len(dirs), maxBaseDepth)]
}

func relativeTo(dir, local string) string {
	up := ""
	for dir != "." {
		if below, found := strings.CutPrefix(local, dir+"/"); found {
			return up + below
		}
		dir, up = path.Dir(dir), up+"../"
	}
	return up + local
}
