package main

// cause is why a build is refused whatever kustomize makes of it.
type cause int

const (
	outside cause = iota
	link
	unreadable
	tooMany
	tooDeep
	basesTooDeep
	tooExpanded
	remoteForbidden
	gitCrypted
	byHost
)

// refusal is one such reason.
type refusal struct {
	kind cause
	// path is below the root.
	path string
	// target is what was referred to; it is only shown as it stands in a file of the artifact.
	target string
	// text is what the host said.
	text string
}

// refuse keeps the first reason.
func (t *tree) refuse(r *refusal) {
	if t.refusal == nil {
		t.refusal = r
	}
}
