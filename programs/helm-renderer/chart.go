package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/yaml"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
)

// Deeper than any chart that people write; a link to a folder above it would go on for ever.
const maxDirectoryDepth = 50

var byteOrderMark = []byte{0xEF, 0xBB, 0xBF}

// loadChart reads a chart as Helm does, but nothing outside of the folder that holds it: links that lead out of a
// chart's directory, or out of the folder of its archive, are refused.
func loadChart(name string) (*chart.Chart, error) {
	folder, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, cannotRead(err)
	}
	defer folder.Close()
	base := filepath.Base(name)
	info, err := folder.Stat(base)
	if err != nil {
		return nil, cannotRead(err)
	}
	load := loadArchive
	if info.IsDir() {
		load = loadDirectory
	}
	files, err := load(folder, base)
	if err != nil {
		return nil, err
	}
	if err := checkAPIVersion(files); err != nil {
		return nil, err
	}
	ch, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	return ch, keepDigits(ch)
}

// cannotRead leaves out where the chart lies, which is the host's business.
func cannotRead(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("the chart cannot be read: %w", err)
}

func loadArchive(folder *os.Root, name string) ([]*archive.BufferedFile, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, cannotRead(err)
	}
	defer file.Close()
	if err := archive.EnsureArchive(name, file); err != nil {
		return nil, err
	}
	files, err := archive.LoadArchiveFiles(file)
	if err != nil {
		return nil, fmt.Errorf("unable to load chart archive: %w", err)
	}
	return files, nil
}

func checkAPIVersion(files []*archive.BufferedFile) error {
	at := slices.IndexFunc(files, func(file *archive.BufferedFile) bool { return file.Name == "Chart.yaml" })
	if at < 0 {
		return errors.New("unable to detect chart version, no Chart.yaml found")
	}
	var base struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := yaml.Unmarshal(files[at].Data, &base); err != nil {
		return fmt.Errorf("cannot load Chart.yaml: %w", err)
	}
	if !slices.Contains([]string{"", chart.APIVersionV1, chart.APIVersionV2}, base.APIVersion) {
		return errors.New("unsupported chart version")
	}
	return nil
}

// directory reads the files of a chart that is not packed.
type directory struct {
	root  *os.Root
	rules *ignore.Rules
	// Bytes that may still be read.
	budget int64
	files  []*archive.BufferedFile
}

func loadDirectory(folder *os.Root, name string) ([]*archive.BufferedFile, error) {
	root, err := folder.OpenRoot(name)
	if err != nil {
		return nil, cannotRead(err)
	}
	defer root.Close()
	d := directory{root: root, rules: ignore.Empty(), budget: archive.MaxDecompressedChartSize}
	switch file, err := root.Open(ignore.HelmIgnore); {
	case err == nil:
		defer file.Close()
		if d.rules, err = ignore.Parse(file); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, cannotRead(err)
	}
	d.rules.AddDefaults()
	if err := d.walk(".", 0); err != nil {
		return nil, err
	}
	return d.files, nil
}

func (d *directory) walk(name string, depth int) error {
	if depth > maxDirectoryDepth {
		return fmt.Errorf("%s: folders nest deeper than %d levels", name, maxDirectoryDepth)
	}
	entries, err := fs.ReadDir(d.root.FS(), name)
	if err != nil {
		return fmt.Errorf("error reading %s: %w", name, errors.Unwrap(err))
	}
	for _, entry := range entries {
		below := path.Join(name, entry.Name())
		// Follows links, as Helm does.
		info, err := d.root.Stat(below)
		if err != nil {
			return fmt.Errorf("error reading %s: %w", below, errors.Unwrap(err))
		}
		if d.rules.Ignore(below, info) {
			continue
		}
		read := d.read
		if info.IsDir() {
			read = func(name string, _ fs.FileInfo) error { return d.walk(name, depth+1) }
		}
		if err := read(below, info); err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) read(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("cannot load irregular file %s as it has file mode type bits set", name)
	}
	file, err := d.root.Open(name)
	if err != nil {
		return fmt.Errorf("error reading %s: %w", name, errors.Unwrap(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, d.budget+1))
	if err != nil {
		return fmt.Errorf("error reading %s: %w", name, errors.Unwrap(err))
	}
	if d.budget -= int64(len(data)); d.budget < 0 {
		return fmt.Errorf("chart exceeds maximum decompressed size of %d bytes", archive.MaxDecompressedChartSize)
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	d.files = append(d.files, &archive.BufferedFile{Name: name, ModTime: info.ModTime(), Data: data})
	return nil
}
