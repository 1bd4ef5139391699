package main

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// cycle names the directories of kustomizations that refer to each other.
func (t *tree) cycle() string {
	bases := map[string][]string{}
	for _, local := range t.kustomizations {
		var k types.Kustomization
		if yaml.Unmarshal(t.given(local), &k) != nil {
			continue
		}
		k.FixKustomization()
		dir := path.Dir(local)
		for _, reference := range slices.Concat(k.Resources, k.Components, k.Generators, k.Transformers, k.Validators) {
			if base := path.Join(dir, reference); t.seen[base] == string(directory) || base == "." {
				bases[dir] = append(bases[dir], base)
			}
		}
	}
	finder := &cycleFinder{bases: bases, done: map[string]bool{}}
	for _, local := range t.kustomizations {
		if found := finder.from(path.Dir(local)); found != nil {
			return "kustomization directories refer to each other: " + strings.Join(found, " → ")
		}
	}
	return ""
}

type cycleFinder struct {
	bases map[string][]string
	path  []string
	done  map[string]bool
}

func (f *cycleFinder) from(dir string) []string {
	if at := slices.Index(f.path, dir); at >= 0 {
		return append(slices.Clone(f.path[at:]), dir)
	}
	if f.done[dir] || len(f.path) > maxBaseDepth {
		return nil
	}
	f.path = append(f.path, dir)
	for _, base := range f.bases[dir] {
		if found := f.from(base); found != nil {
			return found
		}
	}
	f.path = f.path[:len(f.path)-1]
	f.done[dir] = true
	return nil
}
