package main

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"
)

// maxBaseDepth bounds how deep bases refer to bases.
const maxBaseDepth = 100

// role tells what a file is to the kustomization that refers to it.
type role string

const (
	objects    role = "objects"
	secretFile role = "secretFile"
	envFile    role = "envFile"
)

// references is what the files read so far refer to. It only makes messages better and tells which files may be
// decrypted: what it misses is still read below the root alone.
type references struct {
	roles map[string]role
	// kustomizations are the files of that name, in the order in which they were read.
	kustomizations []string
	// configured are directories from which the files of generators and transformers are resolved.
	configured []string
	depths     map[string]int
	followed   map[string]bool
}

func newReferences() references {
	return references{roles: map[string]role{}, depths: map[string]int{}, followed: map[string]bool{}}
}

func isKustomizationFile(local string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(local))
}

// follow notes what a file refers to when it is read for the first time.
func (t *tree) follow(local string, content []byte) {
	if t.followed[local] {
		return
	}
	t.followed[local] = true
	if isKustomizationFile(local) {
		t.followKustomization(local, content)
	} else if len(t.configured) > 0 {
		t.decryptNew(t.followGenerators(content))
	}
}

func (t *tree) followKustomization(local string, content []byte) {
	t.kustomizations = append(t.kustomizations, local)
	t.warnOfDuplicates(local, content)
	var k types.Kustomization
	if yaml.Unmarshal(content, &k) != nil {
		return
	}
	if k.OpenAPI["path"] != "" {
		// Kustomize adds it to what it has read by then: with nothing read, kinds that are built in were unknown.
		openapi.Schema()
	}
	k.FixKustomization()
	dir := path.Dir(local)
	t.followBases(dir, append(slices.Clone(k.Resources), k.Components...))
	var files []string
	add := func(r role, references ...string) {
		for _, reference := range references {
			files = append(files, t.assign(dir, reference, r))
		}
	}
	add(objects, k.Resources...)
	for _, patch := range append(k.Patches, k.PatchesJson6902...) {
		add(objects, patch.Path)
	}
	for _, patch := range k.PatchesStrategicMerge {
		add(objects, string(patch))
	}
	for _, replacement := range k.Replacements {
		add(objects, replacement.Path)
	}
	for _, generator := range k.SecretGenerator {
		files = append(files, t.followSources(dir, generator.KvPairSources)...)
	}
	plugins := slices.Concat(k.Generators, k.Transformers, k.Validators)
	if len(plugins) > 0 && !slices.Contains(t.configured, dir) {
		t.configured = append(t.configured, dir)
	}
	for _, plugin := range plugins {
		files = append(files, t.followGenerators([]byte(plugin))...)
	}
	t.decryptNew(files)
}

// assign notes the role of a file; a file of a Secret generator stays one.
func (t *tree) assign(dir, reference string, r role) string {
	local := path.Join(dir, reference)
	if known := t.roles[local]; known == "" || known == objects {
		t.roles[local] = r
	}
	return local
}

func (t *tree) followSources(dir string, sources types.KvPairSources) (files []string) {
	for _, source := range sources.FileSources {
		if _, name, found := strings.Cut(source, "="); found {
			source = name
		}
		files = append(files, t.assign(dir, source, secretFile))
	}
	envs := sources.EnvSources
	if sources.EnvSource != "" {
		envs = append(slices.Clone(envs), sources.EnvSource)
	}
	for _, source := range envs {
		files = append(files, t.assign(dir, source, envFile))
	}
	return files
}

// followGenerators notes the files of Secret generators in a text of objects.
func (t *tree) followGenerators(content []byte) (files []string) {
	if !bytes.Contains(content, []byte("SecretGenerator")) {
		return nil
	}
	for document := range bytes.SplitSeq(content, []byte("\n---")) {
		var config struct {
			Kind string `json:"kind"`
			types.SecretArgs
		}
		if yaml.Unmarshal(document, &config) != nil || config.Kind != "SecretGenerator" {
			continue
		}
		for _, dir := range t.configured {
			files = append(files, t.followSources(dir, config.KvPairSources)...)
		}
	}
	return files
}

func (t *tree) followBases(dir string, references []string) {
	depth := t.depths[dir] + 1
	if depth > maxBaseDepth {
		t.refuse(&refusal{kind: basesTooDeep})
		return
	}
	for _, reference := range references {
		base := path.Join(dir, reference)
		t.depths[base] = max(t.depths[base], depth)
	}
}
