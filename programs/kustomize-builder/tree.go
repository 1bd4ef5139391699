package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sluice/serve"
)

// Limits of one build.
const (
	maxFiles     = 50_000
	maxBytes     = 512 << 20
	maxLookups   = 4 * maxFiles
	maxPathBytes = 4096
	maxPathDepth = 100
)

// kind tells what a path is.
type kind byte

const (
	missing   kind = '-'
	file      kind = 'f'
	directory kind = 'd'
	special   kind = '!'
)

var errReadOnly = errors.New("the file system is read-only")

// tree is the file system of one build: a directory, over which files in memory are laid. Kustomize sees it at an
// address that nobody can guess, so that no absolute path leads into it. It notes everything that is looked at.
type tree struct {
	root  *os.Root
	mount string
	ask   serve.Ask

	overlay     map[string][]byte
	overlayDirs map[string]bool
	kinds       map[string]kind
	seen        map[string]string
	bytes       int64
	files       int

	// refusal is the first thing because of which the build is refused, whatever kustomize makes of it.
	refusal *refusal
	references
	remote remote
	// decrypted holds what the host has made of encrypted files; nil when it is not asked.
	decrypted map[string][]byte
	asked     map[string]bool
	warnings  []string
}

var _ filesys.FileSystem = &tree{}

func newTree(r request, ask serve.Ask) (*tree, error) {
	var name [16]byte
	_, _ = rand.Read(name[:])
	t := &tree{
		// Kustomize may put the name of the directory into objects, so that part of it is constant.
		mount:       "/" + hex.EncodeToString(name[:]) + "/source",
		ask:         ask,
		overlay:     map[string][]byte{},
		overlayDirs: map[string]bool{".": true},
		kinds:       map[string]kind{},
		seen:        map[string]string{},
		references:  newReferences(),
		asked:       map[string]bool{},
		remote:      remote{allowed: r.RemoteBases},
	}
	if r.Decrypt {
		t.decrypted = map[string][]byte{}
	}
	for name, content := range r.Files {
		if !filepath.IsLocal(name) {
			return nil, &serve.Error{Kind: "request", Message: "a file of the request has no local path"}
		}
		t.put(path.Clean(name), []byte(content))
	}
	if r.Root == "" {
		return t, nil
	}
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, &serve.Error{Kind: "root", Message: "the directory of the artifact cannot be opened"}
	}
	t.root = root
	return t, nil
}

func (t *tree) close() {
	if t.root != nil {
		_ = t.root.Close()
	}
}

// put lays a file over the directory.
func (t *tree) put(name string, content []byte) {
	t.overlay[name] = content
	for dir := path.Dir(name); !t.overlayDirs[dir]; dir = path.Dir(dir) {
		t.overlayDirs[dir] = true
	}
}

// local returns the path below the root; what is not below it is refused.
func (t *tree) local(name string) (string, bool) {
	clean := path.Clean(name)
	if clean == t.mount {
		return ".", true
	}
	local, found := strings.CutPrefix(clean, t.mount+"/")
	if !found {
		t.refuse(&refusal{kind: outside, target: clean})
		return "", false
	}
	if len(local) > maxPathBytes || strings.Count(local, "/") >= maxPathDepth {
		t.refuse(&refusal{kind: tooDeep})
		return "", false
	}
	return local, true
}

// ReadFile returns what kustomize gets to see of a file.
func (t *tree) ReadFile(name string) ([]byte, error) {
	local, ok := t.local(name)
	if !ok {
		return nil, fs.ErrPermission
	}
	if t.refusal != nil {
		return nil, fs.ErrPermission
	}
	content, over := t.overlay[local]
	if !over {
		switch t.kindOf(local) {
		case missing:
			return nil, fs.ErrNotExist
		case directory:
			return nil, syscall.EISDIR
		}
		var err error
		if content, err = t.read(local); err != nil {
			return nil, err
		}
		if plain, found := t.decrypted[local]; found {
			content = plain
		}
	}
	if size := expandedSize(content); size.tooLarge() {
		t.refuse(&refusal{kind: tooExpanded, path: local})
		return nil, fs.ErrInvalid
	}
	t.follow(local, content)
	return content, nil
}

// list returns the names in a directory, in the order of their bytes, and notes them.
func (t *tree) list(local string) ([]string, error) {
	if t.kindOf(local) != directory {
		return nil, fs.ErrNotExist
	}
	names, err := t.namesOnDisk(local)
	if err != nil {
		t.refuse(&refusal{kind: unreadable})
		return nil, err
	}
	t.note(local+"/", digestOf([]byte(strings.Join(names, "\x00"))))
	for name := range t.overlay {
		if path.Dir(name) == local {
			names = append(names, path.Base(name))
		}
	}
	for name := range t.overlayDirs {
		if name != "." && path.Dir(name) == local {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ReadDir returns the names in a directory.
func (t *tree) ReadDir(name string) ([]string, error) {
	local, ok := t.local(name)
	if !ok {
		return nil, fs.ErrPermission
	}
	return t.list(local)
}

// IsDir tells whether a path is a directory.
func (t *tree) IsDir(name string) bool {
	local, ok := t.local(name)
	return ok && t.kindOf(local) == directory
}

// Exists tells whether there is something at a path.
func (t *tree) Exists(name string) bool {
	local, ok := t.local(name)
	return ok && t.kindOf(local) != missing
}

// CleanedAbs splits a path into a directory and the name of a file, which is empty when it is a directory.
func (t *tree) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	local, ok := t.local(name)
	if !ok {
		return "", "", fs.ErrPermission
	}
	clean := path.Join(t.mount, local)
	switch t.kindOf(local) {
	case directory:
		return filesys.ConfirmedDir(clean), "", nil
	case file:
		return filesys.ConfirmedDir(path.Dir(clean)), path.Base(clean), nil
	}
	return "", "", fs.ErrNotExist
}

// What follows is part of the interface, and no build uses it.

func (t *tree) Open(string) (filesys.File, error)    { return nil, errReadOnly }
func (t *tree) Create(string) (filesys.File, error)  { return nil, errReadOnly }
func (t *tree) Mkdir(string) error                   { return errReadOnly }
func (t *tree) MkdirAll(string) error                { return errReadOnly }
func (t *tree) RemoveAll(string) error               { return errReadOnly }
func (t *tree) WriteFile(string, []byte) error       { return errReadOnly }
func (t *tree) Glob(string) ([]string, error)        { return nil, errReadOnly }
func (t *tree) Walk(string, filepath.WalkFunc) error { return errReadOnly }
