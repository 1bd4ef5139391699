// Judges objects with the kstatus that Flux uses, and Jobs with the rule that it has for them: a JSON list of objects on standard input, a JSON list of verdicts on
// standard output. It is built in the module that pins Flux's controllers.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	var asked []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	verdicts := []verdict{}
	for _, text := range asked {
		verdicts = append(verdicts, judge(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}

func judge(text json.RawMessage) (found verdict) {
	// What the library cannot bear has no verdict.
	defer func() {
		if problem := recover(); problem != nil {
			found = verdict{Status: "Panic", Message: fmt.Sprint(problem)}
		}
	}()
	var live unstructured.Unstructured
	if err := live.UnmarshalJSON(text); err != nil {
		panic(err)
	}
	if gvk := live.GroupVersionKind(); gvk.Group == "batch" && gvk.Kind == "Job" {
		result := statusreaders.ComputeJobStatus(&live)
		return verdict{Status: string(result.Status), Message: result.Message}
	}
	result, err := status.Compute(&live)
	if err != nil {
		// As the status readers take it.
		return verdict{Status: string(status.UnknownStatus), Message: err.Error()}
	}
	return verdict{Status: string(result.Status), Message: result.Message}
}
