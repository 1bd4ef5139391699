package main

import (
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"sluice/serve"
)

type lookupQuestion struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// May be empty.
	Namespace string `json:"namespace"`
	// Empty for a list.
	Name string `json:"name"`
}

// lookupVia makes the function that templates look objects up with. The host answers with what the API server sent,
// or null when there is no such object; templates then see an empty map.
func lookupVia(ask serve.Ask) func(apiVersion, kind, namespace, name string) (map[string]any, error) {
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		nothing := map[string]any{}
		question := lookupQuestion{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
		answer, err := ask("lookup", question)
		if err != nil || string(answer) == "null" {
			return nothing, err
		}
		// Numbers become integers where they can, and items of lists get their kind.
		object, err := runtime.Decode(unstructured.UnstructuredJSONScheme, answer)
		if err != nil {
			return nothing, errors.New("the API server's answer is no object")
		}
		return object.(runtime.Unstructured).UnstructuredContent(), nil
	}
}
