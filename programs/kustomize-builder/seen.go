package main

import (
	"encoding/json"
	"strings"

	"sluice/serve"
)

// compare tells whether everything that a build looked at is as it was.
func compare(t *tree, body string) (any, error) {
	seen := map[string]string{}
	if err := json.Unmarshal([]byte(body), &seen); err != nil {
		return nil, &serve.Error{Kind: "request", Message: "what was seen cannot be read"}
	}
	for key, then := range seen {
		now, err := t.lookAgain(key, then)
		if err != nil || now != then || t.refusal != nil {
			return compared{Same: false}, nil
		}
	}
	return compared{Same: true}, nil
}

func (t *tree) lookAgain(key, then string) (string, error) {
	if dir, isList := strings.CutSuffix(key, "/"); isList {
		if _, err := t.list(dir); err != nil {
			return "", err
		}
		return t.seen[key], nil
	}
	found := t.kindOf(key)
	if found == file && len(then) > 1 {
		if _, err := t.read(key); err != nil {
			return "", err
		}
		return t.seen[key], nil
	}
	return string(found), nil
}
