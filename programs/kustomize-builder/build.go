package main

import (
	"encoding/json"
	"path"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sluice/serve"
)

// defaultSchema is the version of the schema that kustomize uses when nothing else is asked for.
var defaultSchema = openapi.GetSchemaVersion()

// options allow no plugin but those built in, no chart, and no function. Restrictions of the loader are off: the tree
// is the restriction, and files beside the kustomization may be read.
func options() *krusty.Options {
	// Objects keep the order in which they are referred to, as in Flux, unless the kustomization says how to sort them.
	o := krusty.MakeDefaultOptions()
	o.LoadRestrictions = types.LoadRestrictionsNone
	o.PluginConfig = types.DisabledPluginConfig()
	return o
}

func build(t *tree, r request) (any, error) {
	current = t
	defer func() {
		current = nil
		// Kustomize keeps a schema that a kustomization names for all builds that follow.
		if openapi.GetSchemaVersion() != defaultSchema {
			openapi.ResetOpenAPI()
		}
	}()
	dir := path.Clean(r.Dir)
	var noManifests bool
	if r.Spec != nil {
		var err error
		if noManifests, err = t.prepare(dir, r.Spec); err != nil {
			return nil, err
		}
	}
	made, err := krusty.MakeKustomizer(options()).Run(t, path.Join(t.mount, dir))
	if err != nil || t.refusal != nil {
		return nil, t.explain(err)
	}
	return t.result(made, r, noManifests)
}

func (t *tree) result(made resmap.ResMap, r request, noManifests bool) (any, error) {
	if t.refusal != nil {
		return nil, t.explain(nil)
	}
	result := built{Objects: []json.RawMessage{}, NoManifests: noManifests, Remote: len(t.remote.fetched) > 0, Warnings: t.warnings}
	if made != nil && r.Yaml {
		text, err := made.AsYaml()
		if err != nil {
			return nil, &serve.Error{Kind: "build", Message: failed + "an object cannot be written as YAML"}
		}
		result.Yaml = string(text)
	}
	if made != nil && !r.Yaml {
		for _, each := range made.Resources() {
			text, err := each.MarshalJSON()
			if err != nil {
				return nil, t.explain(err)
			}
			result.Objects = append(result.Objects, text)
			result.Bytes += len(text)
		}
	}
	seen, err := json.Marshal(t.seen)
	if err != nil {
		return nil, err
	}
	result.Seen = string(seen)
	return result, nil
}
