package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChartsAreReadInsideTheirFolderOnly(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	check(t, os.WriteFile(outside, []byte("CANARY"), 0o644))
	escaping := []struct {
		name  string
		files files
	}{
		{"an absolute link", files{"templates/x.yaml": "-> " + outside}},
		{"a link to a folder", files{"templates": "-> " + filepath.Dir(outside)}},
		{"a link upwards", files{"files/x": "-> ../../../../../../../../../../etc/passwd"}},
		{"a link to a process", files{"files/x": "-> /proc/self/environ"}},
		{"a chain of links", files{"files/a": "-> b", "files/b": "-> " + outside}},
		{"the file of values", files{"values.yaml": "-> " + outside}},
		{"the lock", files{"Chart.lock": "-> " + outside}},
		{"the list of ignored files", files{".helmignore": "-> " + outside}},
		{"a folder of its own", files{"files/loop": "-> ."}},
		{"a device", files{"files/zero": "-> /dev/zero"}},
	}
	for _, c := range escaping {
		t.Run(c.name, func(t *testing.T) {
			text := configMap(`"{{ range $name, $text := .Files }}{{ $name }}{{ printf "%s" $text }}{{ end }}"`)
			c.files["templates/all.yaml"] = text
			if _, isLink := c.files["templates"]; isLink {
				delete(c.files, "templates/all.yaml")
			}
			refused := refusalOf(t, requestFor(writeChart(t, c.files), nil), askNothing)
			if refused.Kind != kindOther || strings.Contains(refused.Message, "CANARY") {
				t.Errorf("got %+v", refused)
			}
			if strings.Contains(refused.Message, t.TempDir()) {
				t.Errorf("the message names where the chart lies: %s", refused.Message)
			}
		})
	}
}

func TestLinksInsideAChartAreFollowed(t *testing.T) {
	path := writeChart(t, files{
		"files/a.txt":      "hello",
		"files/b.txt":      "-> a.txt",
		"more":             "-> files",
		"templates/x.yaml": configMap(`{{ .Files.Get "files/b.txt" }}-{{ .Files.Get "more/a.txt" }}`),
		"templates/.skip":  "{{ fail \"not ignored\" }}",
		"ignored/x":        "-> a",
		"ignored/a":        "a",
		".helmignore":      "ignored/a\n",
		"templates/_a.tpl": "{{ .Nothing.here }}",
	})
	check(t, os.Remove(filepath.Join(path, "ignored/x")))
	if got := mustRender(t, requestFor(path, nil), askNothing).Manifest; !strings.Contains(got, "found: hello-hello") {
		t.Error(got)
	}
}

func TestAnArchiveThatIsALinkIsRefused(t *testing.T) {
	packed := packChart(t, files{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.2.3\n"})
	mustRender(t, requestFor(packed, nil), askNothing)
	link := filepath.Join(t.TempDir(), "app.tgz")
	check(t, os.Symlink(packed, link))
	refused := refusalOf(t, requestFor(link, nil), askNothing)
	if !strings.Contains(refused.Message, "path escapes from parent") {
		t.Error(refused.Message)
	}
}

func TestChartsThatAreNone(t *testing.T) {
	const plain = "apiVersion: v2\nname: app\nversion: 1.2.3\n"
	cases := []struct {
		name, message string
		path          func() string
	}{
		{"nothing there", "no such file", func() string { return filepath.Join(t.TempDir(), "none.tgz") }},
		{"no archive", "gzipped archive", func() string { return filepath.Join(writeChart(t, nil), "Chart.yaml") }},
		{"a file above", "parent directory", func() string {
			return packChart(t, files{"app/Chart.yaml": plain, "app/../../x": ""})
		}},
		{"a name that leads up", "validation: chart.metadata.name", func() string {
			return packChart(t, files{"app/Chart.yaml": strings.Replace(plain, "app", "..", 1)})
		}},
		{"an inner name that leads up", "validation: chart.metadata.name", func() string {
			inner := strings.Replace(plain, "app", "../../x", 1)
			return packChart(t, files{"app/Chart.yaml": plain, "app/charts/x/Chart.yaml": inner})
		}},
		{"another form", "unsupported chart version", func() string {
			return packChart(t, files{"app/Chart.yaml": strings.Replace(plain, "v2", "v9", 1)})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			refused := refusalOf(t, requestFor(c.path(), nil), askNothing)
			if !strings.Contains(refused.Message, c.message) {
				t.Error(refused.Message)
			}
		})
	}
}

func packChart(t *testing.T, contents files) string {
	t.Helper()
	var packed bytes.Buffer
	zipper := gzip.NewWriter(&packed)
	tarball := tar.NewWriter(zipper)
	for name, text := range contents {
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}
		check(t, tarball.WriteHeader(header))
		_, err := tarball.Write([]byte(text))
		check(t, err)
	}
	check(t, tarball.Close())
	check(t, zipper.Close())
	path := filepath.Join(t.TempDir(), "app.tgz")
	check(t, os.WriteFile(path, packed.Bytes(), 0o644))
	return path
}
