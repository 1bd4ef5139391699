package main

import (
	"fmt"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/strvals"

	"sluice/serve"
)

// Kinds of refusal.
const (
	// The values do not fit the chart's schema.
	kindSchema = "schema"
	// A schema refers to something outside of itself, which the details name as "reference".
	kindSchemaReference = "schema-reference"
	// A template failed, or what it made is no YAML.
	kindTemplate = "template"
	// The chart is not for this version of Kubernetes.
	kindKubeVersion = "kubeVersion"
	// Anything else that chart, values or release are to blame for.
	kindOther = "other"
)

// request is what the host asks for.
type request struct {
	// Of the release.
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Of the release; an installation is always the first.
	Revision int `json:"revision"`
	// Directory or archive.
	ChartPath string `json:"chartPath"`
	// Of the user.
	Values exactValues `json:"values"`
	// In the syntax of --set, put over the values; they make integers, where values have floats only.
	Set          []string     `json:"set"`
	Capabilities capabilities `json:"capabilities"`
	// Makes it an upgrade.
	Previous             *previous `json:"previous"`
	ServerSideApply      bool      `json:"serverSideApply"`
	SkipSchemaValidation bool      `json:"skipSchemaValidation"`
	// Let getHostByName ask the DNS.
	EnableDNS bool `json:"enableDns"`
}

// previous is what an upgrade takes over.
type previous struct {
	FirstDeployed *time.Time `json:"firstDeployed"`
	// Kept under the new values, as with --reuse-values.
	Reuse *struct {
		Chart  *reusedChart `json:"chart"`
		Config exactValues  `json:"config"`
	} `json:"reuse"`
}

// capabilities are what a cluster serves.
type capabilities struct {
	KubeVersion struct {
		GitVersion string `json:"gitVersion"`
		Major      string `json:"major"`
		Minor      string `json:"minor"`
	} `json:"kubeVersion"`
	// Such as apps/v1 and apps/v1/Deployment.
	APIVersions []string `json:"apiVersions"`
}

func (c capabilities) forTemplates() *common.Capabilities {
	all := common.DefaultCapabilities.Copy()
	all.HelmVersion.Version = version
	all.KubeVersion = common.KubeVersion{
		Version: c.KubeVersion.GitVersion,
		Major:   c.KubeVersion.Major,
		Minor:   c.KubeVersion.Minor,
	}
	if len(c.APIVersions) > 0 {
		all.APIVersions = c.APIVersions
	}
	return all
}

// userValues are the values with the settings put over them.
func (r *request) userValues() (map[string]any, error) {
	values := map[string]any(r.Values)
	if values == nil {
		values = map[string]any{}
	}
	for _, setting := range r.Set {
		if err := strvals.ParseInto(setting, values); err != nil {
			return nil, refuse(kindOther, fmt.Errorf("failed parsing --set data: %w", err))
		}
	}
	return values, nil
}

func refuse(kind string, err error) error {
	return &serve.Error{Kind: kind, Message: err.Error()}
}
