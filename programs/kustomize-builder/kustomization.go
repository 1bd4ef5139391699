package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
	"sluice/serve"
)

// nowhere is the namespace of what is not there: kustomize refuses a kustomization file that says nothing.
const nowhere = "_placeholder"

// spec is what is put into the kustomization file of the directory to build.
type spec struct {
	Namespace               string        `json:"namespace"`
	NamePrefix              string        `json:"namePrefix"`
	NameSuffix              string        `json:"nameSuffix"`
	Patches                 []types.Patch `json:"patches"`
	Images                  []types.Image `json:"images"`
	Components              []string      `json:"components"`
	IgnoreMissingComponents bool          `json:"ignoreMissingComponents"`
	BuildMetadata           []string      `json:"buildMetadata"`
}

// prepare lays the kustomization file of a directory, with the spec in it, over the one that is there, if any. It tells
// whether the directory has neither a kustomization file nor any manifest.
func (t *tree) prepare(dir string, s *spec) (noManifests bool, err error) {
	if t.kindOf(dir) != directory {
		if t.refusal != nil {
			return false, t.explain(nil)
		}
		return false, &serve.Error{Kind: "path", Message: "the path is not a directory of the artifact"}
	}
	name, err := t.kustomizationFileIn(dir)
	if err != nil {
		return false, err
	}
	k := &types.Kustomization{TypeMeta: types.TypeMeta{
		APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind,
	}}
	if name == "" {
		name = path.Join(dir, konfig.DefaultKustomizationFileName())
		noManifests, err = t.generate(dir, k)
	} else {
		err = t.readKustomization(name, k)
	}
	if err != nil {
		return false, err
	}
	if err := t.overlaySpec(dir, k, s); err != nil {
		return false, err
	}
	text, err := yaml.Marshal(k)
	if err != nil {
		return false, err
	}
	t.put(name, text)
	if t.refusal != nil {
		return false, t.explain(nil)
	}
	return noManifests, nil
}

// readKustomization reads a kustomization file as Flux does: what is no field of one is left out, and where no resource
// is listed, the origin of each object is noted in it.
func (t *tree) readKustomization(name string, k *types.Kustomization) error {
	text, err := t.ReadFile(path.Join(t.mount, name))
	if err != nil {
		return t.explain(nil)
	}
	if err := yaml.Unmarshal(text, k); err != nil {
		if problem := wrongType(err); problem != "" {
			return &serve.Error{Kind: "build", Message: name + ": " + problem}
		}
		return t.explain(err)
	}
	t.warnOfUnknown(name, text)
	if len(k.Resources) == 0 {
		k.BuildMetadata = []string{types.OriginAnnotations}
	}
	// It is read once more, as it is then.
	t.references = newReferences()
	return nil
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
// below it that has a kustomization file of its own. It tells whether there are none.
func (t *tree) generate(dir string, k *types.Kustomization) (noManifests bool, err error) {
	k.Resources, err = t.collect(dir, dir)
	if err != nil || len(k.Resources) > 0 {
		return false, err
	}
	k.Namespace = nowhere
	return true, nil
}

func (t *tree) collect(root, dir string) ([]string, error) {
	found := []string{}
	names, err := t.list(dir)
	if err != nil {
		return nil, t.explain(nil)
	}
	for _, name := range names {
		local := path.Join(dir, name)
		relative := "./" + local
		if root != "." {
			relative = "." + strings.TrimPrefix(local, root)
		}
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

func (t *tree) overlaySpec(dir string, k *types.Kustomization, s *spec) error {
	for field, value := range map[*string]string{
		&k.Namespace: s.Namespace, &k.NamePrefix: s.NamePrefix, &k.NameSuffix: s.NameSuffix,
	} {
		if value != "" {
			*field = value
		}
	}
	k.Patches = append(k.Patches, s.Patches...)
	for _, image := range s.Images {
		k.Images = withImage(k.Images, image)
	}
	if len(s.BuildMetadata) > 0 {
		k.BuildMetadata = s.BuildMetadata
	}
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
		k.Components = append(k.Components, component)
	}
	if k.Namespace == nowhere && len(k.Components) > 0 {
		// Their objects would get it.
		k.Namespace = ""
	}
	return nil
}

// withImage puts an image into a list, over what is there of its name. Tag and digest are one: either replaces both.
func withImage(images []types.Image, image types.Image) []types.Image {
	at := slices.IndexFunc(images, func(each types.Image) bool { return each.Name == image.Name })
	if at < 0 {
		return append(images, image)
	}
	if image.NewName != "" {
		images[at].NewName = image.NewName
	}
	if image.NewTag != "" || image.Digest != "" {
		images[at].NewTag, images[at].Digest = image.NewTag, image.Digest
	}
	return images
}
