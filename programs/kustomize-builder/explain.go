package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sluice/serve"
)

// Limits of what is looked at to explain a failure.
const (
	maxExplained      = 4 << 20
	maxExplainedFiles = 2000
)

// failed starts the message about what kustomize itself refuses.
const failed = "kustomize build failed: "

// explain says why a build failed. Messages are made here of the names of files and fields and of constant words:
// what kustomize says quotes content.
func (t *tree) explain(err error) *serve.Error {
	if t.refusal != nil {
		return t.explainRefusal(t.refusal)
	}
	for _, look := range []func() string{
		t.brokenYaml, t.wrongFields, func() string { return pluginOf(err) }, t.remoteReference, t.cycle,
		t.missingReference, t.absoluteReference, t.noObject, t.duplicateKey,
	} {
		if message := look(); message != "" {
			return &serve.Error{Kind: "build", Message: message}
		}
	}
	return &serve.Error{Kind: "build", Message: failed + classify(t, err)}
}

func (t *tree) explainRefusal(r *refusal) *serve.Error {
	return &serve.Error{Kind: kindOfRefusal(r), Message: t.messageOf(r)}
}

func kindOfRefusal(r *refusal) string {
	if r.kind == byHost {
		return "host"
	}
	return "build"
}

func (t *tree) messageOf(r *refusal) string {
	switch r.kind {
	case outside:
		return t.messageOfOutside(r.target)
	case link:
		return fmt.Sprintf("'%s' in the artifact is a symbolic link or special file: use a regular file", r.path)
	case tooMany:
		return fmt.Sprintf(
			"the build reads more than %d files or %d bytes: split it into several Kustomizations", maxFiles, maxBytes)
	case tooDeep:
		return fmt.Sprintf("the build refers to a path of more than %d directories or %d bytes", maxPathDepth, maxPathBytes)
	case basesTooDeep:
		return fmt.Sprintf("bases are nested deeper than %d levels", maxBaseDepth)
	case tooExpanded:
		return fmt.Sprintf("%s: its YAML aliases written out are more than %d values or %d bytes", r.path,
			maxExpandedNodes, maxExpandedBytes)
	case remoteForbidden:
		where := "a reference"
		if p := t.findReference(func(_, value string) bool { return sameURL(value, r.target) }); p != nil {
			where = p.String()
		}
		return where + forbidden
	case gitCrypted:
		return fmt.Sprintf("'%s' is encrypted with git-crypt, which nothing here decrypts: encrypt it with SOPS", r.path)
	case byHost:
		return r.text
	}
	return "a file of the artifact cannot be read"
}

const forbidden = " is remote, which --no-remote-bases forbids: add the files to the source"

func sameURL(value, url string) bool {
	return strings.HasPrefix(strings.ToLower(value), "http") && (value == url || isRemote(value))
}

func (t *tree) messageOfOutside(target string) string {
	absolute := func(_, value string) bool { return path.IsAbs(value) && path.Clean(value) == target }
	if p := t.findReference(absolute); p != nil {
		return fmt.Sprintf("%s: path %s is absolute: use one relative to the file", p, p.shown())
	}
	leadsOut := func(dir, value string) bool { return path.Join(t.mount, dir, value) == target }
	if p := t.findReference(leadsOut); p != nil {
		return fmt.Sprintf("%s: path %s leads out of the artifact", p, p.shown())
	}
	return "a path of a generator, transformer or patch leads out of the artifact or is absolute: use one below its root"
}

// readFiles returns what was read from disk, in the order of the names, or of reading for kustomization files.
func (t *tree) readFiles() []string {
	var others []string
	for local, what := range t.seen {
		if len(what) > 1 && !strings.HasSuffix(local, "/") && !slices.Contains(t.kustomizations, local) {
			others = append(others, local)
		}
	}
	slices.Sort(others)
	all := slices.Concat(t.kustomizations, others)
	return all[:min(len(all), maxExplainedFiles)]
}

func isYaml(local string) bool {
	return isKustomizationFile(local) || slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(local))
}

// absoluteReference finds a reference that kustomize refuses without looking at it.
func (t *tree) absoluteReference() string {
	p := t.findReference(func(_, value string) bool { return path.IsAbs(value) })
	if p == nil || !isReferenceField(p.field) {
		return ""
	}
	return fmt.Sprintf("%s: path %s is absolute: use one relative to the file", p, p.shown())
}

func isReferenceField(field string) bool {
	name, _, _ := strings.Cut(field, "[")
	return slices.Contains([]string{"resources", "bases", "components"}, name)
}

func (t *tree) brokenYaml() string {
	for _, local := range t.readFiles() {
		if !isYaml(local) || t.roles[local] == secretFile || t.roles[local] == envFile {
			continue
		}
		if line, problem := yamlProblem(t.contentOf(local)); problem != "" {
			return fmt.Sprintf("%sbroken YAML: %s:%d: %s", failed, local, line, problem)
		}
	}
	return ""
}

// wrongFields finds a field of a kustomization file that there is not, or that has the wrong type.
func (t *tree) wrongFields() string {
	for _, local := range t.kustomizations {
		var k types.Kustomization
		err := k.Unmarshal(t.given(local))
		if err == nil {
			if len(k.HelmCharts) > 0 || len(k.HelmChartInflationGenerator) > 0 || k.HelmGlobals != nil {
				return local + ": helmCharts is not allowed: use a HelmRelease to install a chart"
			}
			continue
		}
		if problem := wrongType(err); problem != "" {
			return local + ": " + problem
		}
		if field := unknownField(err); field != "" {
			return fmt.Sprintf("%s: '%s' is not a field of a kustomization", local, field)
		}
		return local + ": it is not a kustomization file: check its fields"
	}
	return ""
}

// given returns the content of a kustomization file as kustomize gets to see it.
func (t *tree) given(local string) []byte {
	if over, found := t.overlay[local]; found {
		return over
	}
	return t.contentOf(local)
}

func wrongType(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || wrong.Field == "" {
		return ""
	}
	return fmt.Sprintf("%s must be a %s", wrong.Field, typeName(wrong.Type.Kind().String()))
}

func typeName(kind string) string {
	switch kind {
	case "slice", "array":
		return "list"
	case "struct", "map", "ptr":
		return "map"
	case "bool":
		return "boolean"
	}
	return strings.TrimSuffix(kind, "64")
}

// unknownName is how the decoder says that there is no such field; what cannot be one is not repeated.
var unknownName = regexp.MustCompile(`unknown field "([A-Za-z][A-Za-z0-9_-]{0,63})"`)

// unknownField returns the field that the decoder of kustomization files stumbled over.
func unknownField(err error) string {
	if match := unknownName.FindStringSubmatch(err.Error()); match != nil {
		return match[1]
	}
	return ""
}

func pluginOf(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if types.IsErrOnlyBuiltinPluginsAllowed(err) || strings.Contains(text, "plugins disabled") {
		return "a generator, transformer or validator is a plugin that runs a program, which is not allowed: " +
			"only apiVersion 'builtin' is"
	}
	if strings.Contains(text, "must specify --enable-helm") {
		return "HelmChartInflationGenerator is not allowed: use a HelmRelease to install a chart"
	}
	return ""
}

// missingReference finds a reference to something that kustomize looked for and did not find.
func (t *tree) missingReference() string {
	fits := func(dir, value string) bool {
		return value != "" && !path.IsAbs(value) && !isKustomizationFile(value) &&
			t.seen[path.Join(dir, value)] == string(missing)
	}
	if p := t.findReference(fits); p != nil {
		return fmt.Sprintf("%s: %s does not exist in the artifact", p, p.shown())
	}
	bare := func(dir, value string) bool {
		base := path.Join(dir, value)
		return value != "" && t.seen[base] == string(directory) &&
			t.seen[path.Join(base, "kustomization.yaml")] == string(missing) && t.kustomizationsIn(base) == 0
	}
	if p := t.findReference(bare); p != nil {
		return fmt.Sprintf("%s: directory %s has no kustomization file: add one", p, p.shown())
	}
	for _, local := range t.kustomizations {
		if dir := path.Dir(local); t.kustomizationsIn(dir) > 1 {
			return fmt.Sprintf("'%s' has several kustomization files, keep one", dir)
		}
	}
	return ""
}

func (t *tree) kustomizationsIn(dir string) (count int) {
	for _, local := range t.kustomizations {
		if path.Dir(local) == dir {
			count++
		}
	}
	return count
}

// remoteReference finds a reference to a Git repository, for which kustomize would have started git.
func (t *tree) remoteReference() string {
	git := func(_, value string) bool {
		return isRemote(value) && !strings.Contains(value, "\n") && t.remote.fetched[value] == nil
	}
	p := t.findReference(git)
	if p == nil {
		p = t.findReference(func(_, value string) bool { return isRemote(value) && looksLikeGit(value) })
	}
	if p == nil {
		return ""
	}
	if !t.remote.allowed {
		return p.String() + forbidden
	}
	return p.String() + " is a Git repository, which cannot be a base: name the raw file by https, or add the files to the source"
}

func looksLikeGit(value string) bool {
	return strings.Contains(value, ".git") || strings.Contains(value, "?ref=")
}

// duplicateKey finds a resource that gives a key twice.
func (t *tree) duplicateKey() string {
	for _, local := range t.readFiles() {
		if t.roles[local] != objects || !isYaml(local) || isKustomizationFile(local) {
			continue
		}
		if line := duplicateKeyLine(t.contentOf(local)); line > 0 {
			return fmt.Sprintf("%s%s:%d: a key is given twice: keep one", failed, local, line)
		}
	}
	return ""
}

// noObject finds a resource that is no Kubernetes object.
func (t *tree) noObject() string {
	for _, local := range t.readFiles() {
		if t.roles[local] != objects || !isYaml(local) || isKustomizationFile(local) {
			continue
		}
		if line, problem := objectProblem(t.contentOf(local)); problem != "" {
			return fmt.Sprintf("%s%s:%d: not a Kubernetes object: %s", failed, local, line, problem)
		}
	}
	return ""
}
