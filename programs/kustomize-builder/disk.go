package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
)

// gitCryptHeader is how files begin that git-crypt has encrypted, whose key nobody here has.
var gitCryptHeader = []byte("\x00GITCRYPT\x00")

// kindOf tells what a path is, and notes that it was asked. A link is refused wherever it leads.
func (t *tree) kindOf(local string) kind {
	found := t.lookAt(local)
	if found == special {
		t.refuse(&refusal{kind: link, path: t.specialOn(local)})
		return missing
	}
	if _, over := t.overlay[local]; !over {
		t.note(local, string(found))
	}
	return found
}

func (t *tree) lookAt(local string) kind {
	if _, over := t.overlay[local]; over {
		return file
	}
	if t.overlayDirs[local] {
		return directory
	}
	return t.onDisk(local)
}

func (t *tree) onDisk(local string) kind {
	if t.root == nil {
		return missing
	}
	if local == "." {
		return directory
	}
	if known, found := t.kinds[local]; found {
		return known
	}
	parent := t.onDisk(path.Dir(local))
	found := missing
	if parent == special {
		found = special
	} else if parent == directory {
		found = t.stat(local)
	}
	t.kinds[local] = found
	return found
}

func (t *tree) stat(local string) kind {
	info, err := t.root.Lstat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EINVAL),
		errors.Is(err, syscall.ENAMETOOLONG):
		return missing
	case err != nil:
		t.refuse(&refusal{kind: unreadable})
		return missing
	case info.IsDir():
		return directory
	case info.Mode().IsRegular():
		return file
	}
	return special
}

// specialOn returns the first part of a path that is neither a file nor a directory.
func (t *tree) specialOn(local string) string {
	for parent := path.Dir(local); t.onDisk(parent) == special; parent = path.Dir(parent) {
		local = parent
	}
	return local
}

// note remembers what was at a path. A digest says more than a kind.
func (t *tree) note(key, what string) {
	if len(t.seen[key]) >= len(what) {
		return
	}
	t.seen[key] = what
	if len(t.seen) > maxLookups {
		t.refuse(&refusal{kind: tooMany})
	}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// read returns the content of a file on disk, and notes its digest.
func (t *tree) read(local string) ([]byte, error) {
	opened, err := t.root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.refuse(&refusal{kind: unreadable})
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil || !info.Mode().IsRegular() {
		t.refuse(&refusal{kind: unreadable})
		return nil, fs.ErrInvalid
	}
	content, err := io.ReadAll(io.LimitReader(opened, maxBytes-t.bytes+1))
	if err != nil {
		t.refuse(&refusal{kind: unreadable})
		return nil, err
	}
	t.bytes += int64(len(content))
	t.files++
	if t.bytes > maxBytes || t.files > maxFiles {
		t.refuse(&refusal{kind: tooMany})
		return nil, fs.ErrInvalid
	}
	t.note(local, string(file)+digestOf(content))
	if bytes.HasPrefix(content, gitCryptHeader) {
		t.refuse(&refusal{kind: gitCrypted, path: local})
		return nil, fs.ErrInvalid
	}
	return content, nil
}

func (t *tree) namesOnDisk(local string) ([]string, error) {
	if t.onDisk(local) != directory {
		return nil, nil
	}
	dir, err := t.root.Open(local)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxLookups)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}
