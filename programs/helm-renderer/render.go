package main

import (
	"context"
	"fmt"
	"path"
	"strings"
	"text/template"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	rcommon "helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"sluice/serve"
)

const notesFile = "NOTES.txt"

// render makes the release, in the order of Helm, so that of several mistakes the same one is named.
//
// See pkg/action/install.go and upgrade.go of helm.sh/helm/v4 v4.3.1, RunWithContext and prepareUpgrade.
func (r *request) render(ask serve.Ask) (*release.Release, error) {
	values, err := r.userValues()
	if err != nil {
		return nil, err
	}
	ch, err := loadChart(r.ChartPath)
	if err != nil {
		return nil, refuse(kindOther, err)
	}
	if values, err = r.prepare(ch, values); err != nil {
		return nil, refuse(kindOther, err)
	}
	top, err := r.topValues(ch, values, ask)
	if err != nil {
		return nil, err
	}
	rendered := r.newRelease(ch, values)
	if err := r.renderInto(rendered, top, ask); err != nil {
		return nil, err
	}
	return rendered, nil
}

// prepare checks whether the chart can be released at all, and works its dependencies into it. It returns the values
// that the release keeps.
func (r *request) prepare(ch *chart.Chart, values map[string]any) (map[string]any, error) {
	isInstall := r.Previous == nil
	if isInstall && ch.Metadata.Type != "" && ch.Metadata.Type != "application" {
		return nil, fmt.Errorf("%s charts are not installable", ch.Metadata.Type)
	}
	if err := checkDependencies(ch); err != nil {
		return nil, err
	}
	if err := chartutil.ValidateReleaseName(r.Name); err != nil {
		return nil, fmt.Errorf("release name check failed: release name %q: %w", r.Name, err)
	}
	if !isInstall && r.Previous.Reuse != nil {
		before := r.Previous.Reuse
		old, err := commonutil.CoalesceValues(&before.Chart.Chart, before.Config)
		if err != nil {
			return nil, fmt.Errorf("failed to rebuild old values: %w", err)
		}
		values = commonutil.CoalesceTables(values, before.Config)
		ch.Values = old
	}
	if err := chartutil.ProcessDependencies(ch, values); err != nil {
		return nil, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	return values, nil
}

func checkDependencies(ch *chart.Chart) error {
	there := map[string]bool{}
	for _, sub := range ch.Dependencies() {
		there[sub.Name()] = true
	}
	var missing []string
	for _, dependency := range ch.Metadata.Dependencies {
		if !there[dependency.Name] {
			missing = append(missing, dependency.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("found in Chart.yaml, but missing in charts/ directory: %s", strings.Join(missing, ", "))
}

// topValues are what templates see as the dot: values that fit the schema, the release, the chart and the cluster.
func (r *request) topValues(ch *chart.Chart, values map[string]any, ask serve.Ask) (common.Values, error) {
	isInstall := r.Previous == nil
	options := common.ReleaseOptions{
		Name:      r.Name,
		Namespace: r.Namespace,
		Revision:  r.revision(),
		IsInstall: isInstall,
		IsUpgrade: !isInstall,
	}
	caps := r.Capabilities.forTemplates()
	// Helm's own check would follow references by itself.
	top, err := commonutil.ToRenderValuesWithSchemaValidation(ch, values, options, caps, true)
	if err != nil {
		return nil, refuse(kindOther, err)
	}
	if !r.SkipSchemaValidation {
		if err := checkSchemas(ch, top["Values"].(common.Values), ask); err != nil {
			return nil, err
		}
	}
	kube := &caps.KubeVersion
	if wanted := ch.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, kube.String()) {
		const form = "chart requires kubeVersion: %s which is incompatible with Kubernetes %s"
		return nil, refuse(kindKubeVersion, fmt.Errorf(form, wanted, kube.Version))
	}
	return top, nil
}

func (r *request) revision() int {
	if r.Previous == nil {
		return 1
	}
	return r.Revision
}

func (r *request) newRelease(ch *chart.Chart, values map[string]any) *release.Release {
	now := time.Now()
	info := &release.Info{FirstDeployed: now, LastDeployed: now, Status: rcommon.StatusPendingInstall}
	if r.Previous != nil {
		info.Status = rcommon.StatusPendingUpgrade
		info.FirstDeployed = time.Time{}
		if first := r.Previous.FirstDeployed; first != nil {
			info.FirstDeployed = *first
		}
	}
	method := release.ApplyMethodClientSideApply
	if r.ServerSideApply {
		method = release.ApplyMethodServerSideApply
	}
	return &release.Release{
		Name:        r.Name,
		Namespace:   r.Namespace,
		Chart:       ch,
		Config:      values,
		Info:        info,
		Version:     r.revision(),
		ApplyMethod: string(method),
	}
}

// renderInto runs the templates and sorts what they made into hooks, manifest and notes.
//
// See pkg/action/action.go of helm.sh/helm/v4 v4.3.1, renderResources.
func (r *request) renderInto(rel *release.Release, top common.Values, ask serve.Ask) error {
	e := engine.Engine{
		EnableDNS:           r.EnableDNS,
		CustomTemplateFuncs: template.FuncMap{"lookup": lookupVia(ask)},
	}
	files, err := e.RenderWithContext(context.Background(), rel.Chart, top)
	if err != nil {
		return refuse(kindTemplate, err)
	}
	for name, text := range files {
		if !strings.HasSuffix(name, notesFile) {
			continue
		}
		if name == path.Join(rel.Chart.Name(), "templates", notesFile) {
			rel.Info.Notes = text
		}
		delete(files, name)
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return refuse(kindTemplate, err)
	}
	var all strings.Builder
	for _, manifest := range manifests {
		fmt.Fprintf(&all, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	rel.Hooks = hooks
	rel.Manifest = all.String()
	return nil
}
