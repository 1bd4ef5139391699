package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
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
	return content, nil
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
