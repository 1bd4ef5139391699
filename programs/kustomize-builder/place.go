package main

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// maxShown bounds how much of a reference a message repeats.
const maxShown = 200

// place is where a reference stands.
type place struct {
	file, field string
	line        int
	value       string
}

func (p *place) String() string { return p.field + " of " + p.file }

// shown returns the reference for a message.
func (p *place) shown() string {
	value := p.value
	if len(value) > maxShown {
		value = value[:maxShown] + "…"
	}
	return fmt.Sprintf("%q", value)
}

// findReference looks for a text in the kustomization files that were read.
//
// Only what stands in a file of the artifact is returned, never what was decrypted or came with the request, so that a
// message may show it.
func (t *tree) findReference(fits func(dir, value string) bool) *place {
	for _, local := range t.kustomizations {
		found := t.findIn(local, local, fits)
		if found != nil {
			return found
		}
	}
	return nil
}

func (t *tree) findIn(local, shownAs string, fits func(dir, value string) bool) *place {
	dir := path.Dir(local)
	var document yaml.Node
	if yaml.Unmarshal(t.contentOf(local), &document) != nil {
		return nil
	}
	search := &search{fits: func(value string) bool { return fits(dir, value) }}
	if !search.node(&document, "", 0) {
		return nil
	}
	search.found.file = shownAs
	return &search.found
}

// contentOf reads a file of the artifact once more. What it holds was noted before.
func (t *tree) contentOf(local string) []byte {
	if t.root == nil || t.onDisk(local) != file {
		return t.overlay[local]
	}
	content, err := t.root.ReadFile(local)
	if err != nil || len(content) > maxExplained {
		return nil
	}
	return content
}

type search struct {
	fits  func(value string) bool
	found place
}

func (s *search) node(node *yaml.Node, field string, depth int) bool {
	if depth > maxPathDepth {
		return false
	}
	switch node.Kind {
	case yaml.ScalarNode:
		return s.scalar(node, field, depth)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if s.node(node.Content[i+1], join(field, node.Content[i].Value), depth+1) {
				return true
			}
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			if s.node(child, fmt.Sprintf("%s[%d]", field, i), depth+1) {
				return true
			}
		}
	case yaml.DocumentNode:
		for _, child := range node.Content {
			if s.node(child, field, depth+1) {
				return true
			}
		}
	}
	return false
}

func (s *search) scalar(node *yaml.Node, field string, depth int) bool {
	value := node.Value
	if strings.Contains(value, "\n") {
		var inner yaml.Node
		if yaml.Unmarshal([]byte(value), &inner) == nil && len(inner.Content) == 1 &&
			inner.Content[0].Kind != yaml.ScalarNode && s.node(&inner, field, depth+1) {
			s.found.line = node.Line
			return true
		}
	}
	if _, after, isPair := strings.Cut(value, "="); isPair && s.fits(after) {
		value = after
	} else if !s.fits(value) {
		return false
	}
	s.found = place{field: field, line: node.Line, value: value}
	return true
}

func join(field, key string) string {
	// Keys are names of fields; what is none is not repeated.
	if len(key) > 64 || !bytes.ContainsAny([]byte(key), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		key = "?"
	}
	if field == "" {
		return key
	}
	return field + "." + key
}
