package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"sluice/serve"
)

// maxQuestionBytes bounds the files of one question, of which each is small.
const maxQuestionBytes = 16 << 20

// encryptedFile is a file in a question and in its answer.
type encryptedFile struct {
	Path    string `json:"path"`
	Role    role   `json:"role,omitempty"`
	Content []byte `json:"content"`
}

// decryptNew asks the host about files of a role that it was not asked about yet. It does so when a reference to them
// is read, so that all files of a kustomization are decrypted at the same time.
func (t *tree) decryptNew(paths []string) {
	if t.decrypted == nil {
		return
	}
	slices.Sort(paths)
	var batch []encryptedFile
	size := 0
	for _, local := range slices.Compact(paths) {
		if t.asked[local] || t.refusal != nil || t.lookAt(local) != file {
			continue
		}
		if _, over := t.overlay[local]; over {
			continue
		}
		t.asked[local] = true
		content, err := t.read(local)
		if err != nil {
			return
		}
		if !mayBeEncrypted(content) {
			continue
		}
		if size+len(content) > maxQuestionBytes && len(batch) > 0 {
			t.askToDecrypt(batch)
			batch, size = nil, 0
		}
		batch, size = append(batch, encryptedFile{Path: local, Role: t.roles[local], Content: content}), size+len(content)
	}
	if len(batch) > 0 && t.refusal == nil {
		t.askToDecrypt(batch)
	}
}

func mayBeEncrypted(content []byte) bool {
	return bytes.Contains(content, []byte("sops")) &&
		(bytes.Contains(content, []byte("ENC[")) || bytes.Contains(content, []byte("[sops]")))
}

func (t *tree) askToDecrypt(batch []encryptedFile) {
	answer, err := t.ask("decrypt", map[string]any{"files": batch})
	var refused *serve.Refusal
	if errors.As(err, &refused) {
		t.refuse(&refusal{kind: byHost, text: refused.Message})
		return
	}
	var plain struct {
		Files []struct{ Path, Content string }
	}
	if err == nil {
		err = json.Unmarshal(answer, &plain)
	}
	if err != nil {
		t.refuse(&refusal{kind: unreadable})
		return
	}
	for _, each := range plain.Files {
		content, err := base64.StdEncoding.DecodeString(each.Content)
		if err != nil {
			t.refuse(&refusal{kind: unreadable})
			return
		}
		t.decrypted[each.Path] = content
	}
}
