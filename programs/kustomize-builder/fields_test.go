package main

import (
	"strings"
	"testing"
)

func TestTakesTheLastOfAFieldGivenTwiceAndWarns(t *testing.T) {
	twice := files{
		"base/kustomization.yaml": "namePrefix: a-\nnamePrefix: b-\nresources: [cm.yaml]\n",
		"base/cm.yaml":            configMap("one"),
		"kustomization.yaml":      "resources: [nothing.yaml]\nnameSuffix: -s\nresources:\n  - base\n",
	}
	result, err := buildFiles(t, twice, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Objects) != 1 || !strings.Contains(string(result.Objects[0]), `"name":"b-one-s"`) {
		t.Errorf("built %s", result.Objects)
	}
	wanted := []string{
		"'kustomization.yaml' gives resources twice, in lines 1 and 3: the last one counts, remove the other",
		"'base/kustomization.yaml' gives namePrefix twice, in lines 1 and 2: the last one counts, remove the other",
	}
	if strings.Join(result.Warnings, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("warned %q", result.Warnings)
	}
}

func TestLeavesOutWhatIsNoFieldAndWarns(t *testing.T) {
	f := files{"kustomization.yaml": "resorces: [nothing.yaml]\nresources: [cm.yaml]\n", "cm.yaml": configMap("one")}
	result, err := buildFiles(t, f, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Objects) != 1 {
		t.Errorf("built %s", result.Objects)
	}
	wanted := "'kustomization.yaml' has 'resorces', which is no field of a kustomization file: it has no effect, remove it"
	if strings.Join(result.Warnings, "\n") != wanted {
		t.Errorf("warned %q", result.Warnings)
	}
}

func TestDoesNotMindTheCaseOfFields(t *testing.T) {
	for _, k := range []string{
		"apiversion: kustomize.config.k8s.io/v1beta1\nKIND: Kustomization\nResources: [cm.yaml]\nnameprefix: low-\n",
		"resources: [cm.yaml]\nnamePrefix: high-\nnameprefix: low-\n",
	} {
		f := files{"kustomization.yaml": k, "cm.yaml": configMap("one")}
		result, err := buildFiles(t, f, ".")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(result.Objects[0]), `"low-one"`) {
			t.Errorf("%q is built as %s", k, result.Objects[0])
		}
		asked, err := run(t, request{Root: f.write(t), Dir: ".", Spec: &spec{NamePrefix: "spec-"}}, noQuestions)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(asked.Objects[0]), `"spec-one"`) {
			t.Errorf("%q with a prefix of the spec is built as %s", k, asked.Objects[0])
		}
	}
}

func TestASchemaOfItsOwnLeavesKindsThatAreBuiltIn(t *testing.T) {
	f := files{
		"kustomization.yaml": "resources: [set.yaml]\nopenapi: {path: schema.json}\npatches: [{target: {kind: StatefulSet}, patch: " +
			"'{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: any}, spec: {template: {spec: {containers: [{name: db, imagePullPolicy: Always}]}}}}'}]\n",
		"set.yaml": "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, " +
			"spec: {template: {spec: {containers: [{name: db, image: postgres}]}}}}\n",
		"schema.json": `{"swagger": "2.0", "info": {"title": "mine", "version": "1"}, "paths": {}, "definitions": {}}`,
	}
	result, err := buildFiles(t, f, ".")
	if err != nil {
		t.Fatal(err)
	}
	if built := string(result.Objects[0]); !strings.Contains(built, "postgres") || !strings.Contains(built, "Always") {
		t.Errorf("built %s", built)
	}
}
