package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/yaml"
	"sluice/serve"
)

// spec is what is put into the kustomization file of the directory to build.
type spec struct {
	Namespace               string           `json:"namespace"`
	NamePrefix              string           `json:"namePrefix"`
	NameSuffix              string           `json:"nameSuffix"`
	Patches                 []any            `json:"patches"`
	Images                  []map[string]any `json:"images"`
	Components              []string         `json:"components"`
	IgnoreMissingComponents bool             `json:"ignoreMissingComponents"`
	BuildMetadata           []any            `json:"buildMetadata"`
}

// top tells of the directory to build.
type top struct {
	// noManifests tells that it has neither a kustomization file nor any manifest.
	noManifests bool
	// empty tells that its kustomization file says nothing, which kustomize refuses.
	empty bool
}

// prepare lays the kustomization file of a directory, with the spec in it, over the one that is there, if any.
func (t *tree) prepare(dir string, s *spec) (top, error) {
	if t.kindOf(dir) != directory {
		if t.refusal != nil {
			return top{}, t.explain(nil)
		}
		return top{}, &serve.Error{Kind: "path", Message: "the path is not a directory of the artifact"}
	}
	name, err := t.kustomizationFileIn(dir)
	if err != nil {
		return top{}, err
	}
	content := map[string]any{}
	if name == "" {
		name = path.Join(dir, konfig.DefaultKustomizationFileName())
		content, err = t.generate(dir)
	} else {
		content, err = t.readKustomization(name)
	}
	if err != nil {
		return top{}, err
	}
	resources, generated := content["resources"].([]string)
	if err := t.overlaySpec(dir, content, s); err != nil {
		return top{}, err
	}
	text, err := json.Marshal(content)
	if err != nil {
		return top{}, err
	}
	t.put(name, text)
	if t.refusal != nil {
		return top{}, t.explain(nil)
	}
	return top{noManifests: generated && len(resources) == 0, empty: isEmpty(content)}, nil
}

func (t *tree) readKustomization(name string) (map[string]any, error) {
	text, err := t.ReadFile(path.Join(t.mount, name))
	if err != nil {
		return nil, t.explain(nil)
	}
	content := map[string]any{}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return nil, t.explain(err)
	}
	// It is read once more, as it is then.
	t.references = newReferences()
	return canonical(content), nil
}

// kustomizationFileIn finds the kustomization file of a directory; empty when there is none.
func (t *tree) kustomizationFileIn(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if local := path.Join(dir, name); t.kindOf(local) == file {
			found = append(found, local)
		}
	}
	if len(found) > 1 {
		return "", severalFiles(dir, found)
	}
	return strings.Join(found, ""), nil
}

func severalFiles(dir string, found []string) *serve.Error {
	text := fmt.Sprintf("'%s' has several kustomization files, keep one: %s", dir, strings.Join(found, ", "))
	return &serve.Error{Kind: "build", Message: text}
}

// generate makes up a kustomization file for a directory that has none: all YAML files below it, and each directory
// below it that has a kustomization file of its own.
func (t *tree) generate(dir string) (map[string]any, error) {
	resources, err := t.collect(dir, dir)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1",
		"kind":       "Kustomization",
		"resources":  resources,
	}, nil
}

func (t *tree) collect(root, dir string) ([]string, error) {
	found := []string{}
	names, err := t.list(dir)
	if err != nil {
		return nil, t.explain(nil)
	}
	for _, name := range names {
		local := path.Join(dir, name)
		relative := "./" + strings.TrimPrefix(strings.TrimPrefix(local, root), "/")
		kind := t.kindOf(local)
		if t.refusal != nil {
			return nil, t.explain(nil)
		}
		if kind == file && slices.Contains([]string{".yaml", ".yml"}, path.Ext(name)) {
			found = append(found, relative)
		}
		if kind != directory {
			continue
		}
		if strings.Count(local, "/") >= maxPathDepth {
			t.refuse(&refusal{kind: tooDeep})
			return nil, t.explain(nil)
		}
		own, err := t.kustomizationFileIn(local)
		if err != nil {
			return nil, err
		}
		if own != "" {
			found = append(found, relative)
			continue
		}
		below, err := t.collect(root, local)
		if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	return found, nil
}

func (t *tree) overlaySpec(dir string, content map[string]any, s *spec) error {
	for field, value := range map[string]string{
		"namespace": s.Namespace, "namePrefix": s.NamePrefix, "nameSuffix": s.NameSuffix,
	} {
		if value != "" {
			content[field] = value
		}
	}
	if len(s.Patches) > 0 {
		content["patches"] = append(listOf(content["patches"]), s.Patches...)
	}
	if len(s.Images) > 0 {
		content["images"] = mergeImages(listOf(content["images"]), s.Images)
	}
	if len(s.BuildMetadata) > 0 {
		content["buildMetadata"] = s.BuildMetadata
	}
	components := listOf(content["components"])
	for index, component := range s.Components {
		field := fmt.Sprintf("spec.components[%d]", index)
		if isRemote(component) || path.IsAbs(component) {
			text := fmt.Sprintf("%s must be a path relative to spec.path", field)
			return &serve.Error{Kind: "spec", Message: text}
		}
		local := path.Join(dir, component)
		if local == ".." || strings.HasPrefix(local, "../") {
			return &serve.Error{Kind: "build", Message: field + " leads out of the artifact"}
		}
		if s.IgnoreMissingComponents && t.kindOf(local) == missing {
			continue
		}
		components = append(components, component)
	}
	if len(components) > 0 {
		content["components"] = components
	}
	return nil
}

func listOf(value any) []any {
	list, _ := value.([]any)
	return slices.Clone(list)
}

func mergeImages(merged []any, images []map[string]any) []any {
	for _, image := range images {
		at := slices.IndexFunc(merged, func(entry any) bool {
			existing, _ := entry.(map[string]any)
			return existing != nil && existing["name"] == image["name"]
		})
		if at < 0 {
			merged = append(merged, image)
			continue
		}
		merged[at] = mergeImage(merged[at].(map[string]any), image)
	}
	return merged
}

func mergeImage(existing, image map[string]any) map[string]any {
	entry := map[string]any{}
	for key, value := range existing {
		entry[key] = value
	}
	given := func(key string) bool { return image[key] != nil && image[key] != "" }
	if given("newTag") || given("digest") {
		delete(entry, "newTag")
		delete(entry, "digest")
	}
	for _, key := range []string{"newName", "newTag", "digest"} {
		if given(key) {
			entry[key] = image[key]
		}
	}
	return entry
}

// isEmpty tells whether a kustomization file says nothing at all.
func isEmpty(content map[string]any) bool {
	for key, value := range content {
		list, isList := value.([]any)
		generated, isGenerated := value.([]string)
		empty := value == nil || isList && len(list) == 0 || isGenerated && len(generated) == 0
		if key != "apiVersion" && key != "kind" && !empty {
			return false
		}
	}
	return true
}
