package main

import (
	"bytes"
	"encoding/base64"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

const (
	// maxExpandedNodes bounds the values of a text, each alias counted as what it stands for.
	maxExpandedNodes = 500_000
	// maxExpandedBytes bounds their text in the same way.
	maxExpandedBytes = 64 << 20
	// maxNesting bounds how deep YAML in YAML is looked into.
	maxNesting = 3
)

// expanded is the size of YAML whose aliases are written out.
type expanded struct {
	nodes, bytes int64
}

func (e expanded) tooLarge() bool { return e.nodes > maxExpandedNodes || e.bytes > maxExpandedBytes }

func (e *expanded) add(other expanded) {
	e.nodes += other.nodes
	e.bytes += other.bytes
	// Sums stay far from the end of the numbers.
	e.nodes = min(e.nodes, 2*maxExpandedNodes)
	e.bytes = min(e.bytes, 2*maxExpandedBytes)
}

// mayHaveAliases tells whether a text has to be parsed: escapes and tags can hide what aliases are made of.
func mayHaveAliases(content []byte) bool {
	return bytes.IndexByte(content, '&') >= 0 && bytes.IndexByte(content, '*') >= 0 ||
		bytes.IndexByte(content, '\\') >= 0 || bytes.Contains(content, []byte("!"))
}

// expandedSize counts, without writing anything out, what the aliases of a text come to. Texts without aliases count
// nothing: they are as large as their file.
func expandedSize(content []byte) expanded {
	counter := &counter{sizes: map[*yaml.Node]expanded{}}
	return counter.text(content, 0)
}

type counter struct {
	sizes map[*yaml.Node]expanded
}

func (c *counter) text(content []byte, nesting int) expanded {
	var sum expanded
	if !mayHaveAliases(content) || nesting > maxNesting {
		return sum
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for !sum.tooLarge() {
		var document yaml.Node
		if decoder.Decode(&document) != nil {
			break
		}
		sum.add(c.node(&document, nesting))
	}
	return sum
}

func (c *counter) node(node *yaml.Node, nesting int) expanded {
	if known, found := c.sizes[node]; found {
		return known
	}
	// An anchor that holds an alias of itself counts once here; kustomize refuses it.
	c.sizes[node] = expanded{nodes: 1}
	size := expanded{nodes: 1, bytes: int64(len(node.Value))}
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		size.add(c.node(node.Alias, nesting))
	}
	if node.Kind == yaml.ScalarNode {
		size.add(c.scalar(node, nesting))
	}
	for _, child := range node.Content {
		size.add(c.node(child, nesting))
	}
	c.sizes[node] = size
	return size
}

// scalar counts YAML that stands in a value, such as a patch.
func (c *counter) scalar(node *yaml.Node, nesting int) expanded {
	text := []byte(node.Value)
	if node.ShortTag() == "!!binary" {
		text, _ = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(node.Value), ""))
	}
	if !bytes.ContainsAny(text, "\n{[") {
		return expanded{}
	}
	return c.text(text, nesting+1)
}
