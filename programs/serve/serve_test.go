package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// talk sends frames to a handler and returns the frames that come back.
func talk(t *testing.T, handle Handle, messages ...string) []string {
	t.Helper()
	var in, out bytes.Buffer
	for _, message := range messages {
		if err := writeFrame(&in, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Serve(&in, &out, "v1.2.3", handle); err != nil {
		t.Fatal(err)
	}
	var replies []string
	for {
		body, err := readFrame(&out)
		if errors.Is(err, io.EOF) {
			return replies
		}
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, string(body))
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const greeting = `{"ready":{"version":"v1.2.3"}}`

func TestAnswersOneRequestAfterAnother(t *testing.T) {
	handle := func(request json.RawMessage, _ Ask) (any, error) { return map[string]any{"got": request}, nil }
	got := talk(t, handle, `{"request":{"n":1}}`, `{"request":[2]}`)
	expect(t, got, greeting, `{"result":{"got":{"n":1}}}`, `{"result":{"got":[2]}}`)
}

func TestAsksTheHost(t *testing.T) {
	handle := func(_ json.RawMessage, ask Ask) (any, error) {
		answer, err := ask("lookup", map[string]string{"name": "a"})
		if err != nil {
			return nil, err
		}
		if _, err := ask("lookup", map[string]string{"name": "b"}); err == nil || err.Error() != "not yours" {
			t.Errorf("the refusal came as %v", err)
		}
		return answer, nil
	}
	got := talk(t, handle, `{"request":{}}`, `{"answer":{"x":1}}`, `{"refusal":{"message":"not yours"}}`)
	expect(t, got, greeting,
		`{"question":{"method":"lookup","params":{"name":"a"}}}`,
		`{"question":{"method":"lookup","params":{"name":"b"}}}`,
		`{"result":{"x":1}}`)
}

func TestTellsOnlyErrorsThatSaySo(t *testing.T) {
	failures := map[string]func() error{
		`{"error":{"kind":"yaml","message":"a.yaml:3: no map","details":{"line":3}}}`: func() error {
			return &Error{Kind: "yaml", Message: "a.yaml:3: no map", Details: map[string]int{"line": 3}}
		},
		`{"error":{"kind":"internal","message":"the program failed unexpectedly on this input"}}`: func() error {
			return errors.New("canary")
		},
	}
	for want, fail := range failures {
		handle := func(json.RawMessage, Ask) (any, error) { return nil, fail() }
		expect(t, talk(t, handle, `{"request":{}}`), greeting, want)
	}
}

func TestGoesOnAfterAPanic(t *testing.T) {
	first := true
	handle := func(json.RawMessage, Ask) (any, error) {
		if first {
			first = false
			panic("canary")
		}
		return nil, nil
	}
	got := talk(t, handle, `{"request":{}}`, `{"request":{}}`)
	if len(got) != 3 || strings.Contains(got[1], "canary") || !strings.Contains(got[1], "TestGoesOnAfterAPanic") {
		t.Errorf("got %s", got)
	}
	expect(t, got[2:], `{"result":{}}`)
}

func TestRefusesAFrameThatIsTooLongOrCutShort(t *testing.T) {
	for name, input := range map[string]string{"too long": "\xff\xff\xff\xff", "cut short": "\x00\x00\x00\x09{}"} {
		err := Serve(strings.NewReader(input), io.Discard, "v1", nil)
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
