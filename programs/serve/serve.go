// Package serve lets a program answer requests one after another over its standard input and output.
//
// A frame is four bytes with the length of what follows, the highest first, and that many bytes of JSON. The program
// says {"ready": …} when it has started. It then gets {"request": …}, may ask any number of {"question": …}, each of
// which is answered by {"answer": …} or {"refusal": …}, and ends with {"result": …} or {"error": …}. It ends when its
// input does.
package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Error is a refusal that the host is told as it is. Its message must hold nothing that the request did not name.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Refusal is the host's answer to a question that it does not answer.
type Refusal struct {
	Kind    string          `json:"kind,omitempty"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details,omitempty"`
}

func (r *Refusal) Error() string { return r.Message }

// Ask puts a question to the host and waits for the answer. It fails with a *Refusal when the host refuses.
type Ask func(method string, params any) (json.RawMessage, error)

// Handle answers one request.
type Handle func(request json.RawMessage, ask Ask) (any, error)

// internalError is all that is said of a failure that no one foresaw: its text could quote the input.
var internalError = &Error{Kind: "internal", Message: "the program failed unexpectedly on this input"}

// maxStack bounds the recursion of one request, in bytes; the program ends beyond it.
const maxStack = 128 << 20

// maxFrame bounds what the host may send, in bytes.
const maxFrame = 1 << 30

type incoming struct {
	Request json.RawMessage `json:"request"`
	Answer  json.RawMessage `json:"answer"`
	Refusal *Refusal        `json:"refusal"`
}

type outgoing struct {
	Ready    *ready    `json:"ready,omitempty"`
	Question *question `json:"question,omitempty"`
	Result   any       `json:"result,omitempty"`
	Error    *Error    `json:"error,omitempty"`
}

type ready struct {
	Version string `json:"version"`
}

type question struct {
	Method string `json:"method"`
	Params any    `json:"params"`
}

// Run serves standard input and output until the input ends, then ends the program.
//
// What libraries print to standard output goes to standard error, since the output belongs to the frames.
//
// With the argument --version it only says its version. It ends at once when the host is gone, whatever it is doing.
func Run(version string, handle Handle) {
	out := os.Stdout
	if slices.Equal(os.Args[1:], []string{"--version"}) {
		fmt.Fprintln(out, version)
		return
	}
	os.Stdout = os.Stderr
	debug.SetMaxStack(maxStack)
	if err := Serve(untilGone(os.Stdin), out, version, handle); err != nil {
		fmt.Fprintln(os.Stderr, "the connection to the host failed:", err)
		os.Exit(1)
	}
}

// Serve is Run over any reader and writer. It returns nil when the input ends between two requests.
func Serve(in io.Reader, out io.Writer, version string, handle Handle) error {
	frames := &connection{in: bufio.NewReaderSize(in, 1<<16), out: out}
	if err := frames.write(outgoing{Ready: &ready{Version: version}}); err != nil {
		return err
	}
	for {
		message, err := frames.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if message.Request == nil {
			return errors.New("expected a request")
		}
		if err := frames.answer(message.Request, handle); err != nil {
			return err
		}
	}
}

// untilGone passes on what comes from the host, and ends the program when nothing can come any more.
func untilGone(in io.Reader) io.Reader {
	read, write := io.Pipe()
	go func() {
		_, _ = io.Copy(write, in)
		os.Exit(0)
	}()
	return read
}

type connection struct {
	in  *bufio.Reader
	out io.Writer
}

// answer returns an error only when the connection is of no use any more.
func (c *connection) answer(request json.RawMessage, handle Handle) error {
	var broken error
	ask := func(method string, params any) (json.RawMessage, error) {
		answer, err := c.ask(method, params)
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			broken = err
		}
		return answer, err
	}
	result, err := call(handle, request, ask)
	if broken != nil {
		return broken
	}
	if err != nil {
		return c.write(outgoing{Error: errorOf(err)})
	}
	if result == nil {
		result = struct{}{}
	}
	return c.write(outgoing{Result: result})
}

func (c *connection) ask(method string, params any) (json.RawMessage, error) {
	if err := c.write(outgoing{Question: &question{Method: method, Params: params}}); err != nil {
		return nil, err
	}
	reply, err := c.read()
	if err != nil {
		return nil, err
	}
	if reply.Refusal != nil {
		return nil, reply.Refusal
	}
	if reply.Answer == nil {
		return nil, errors.New("expected an answer")
	}
	return reply.Answer, nil
}

// call turns a panic into an error: input that breaks a library breaks one request.
func call(handle Handle, request json.RawMessage, ask Ask) (result any, err error) {
	defer func() {
		if recover() != nil {
			err = &Error{Kind: internalError.Kind, Message: internalError.Message, Details: placeOfPanic()}
		}
	}()
	return handle(request, ask)
}

// placeOfPanic names the function that panicked. The reason is left out: it can quote the input.
func placeOfPanic() string {
	callers := make([]uintptr, 16)
	// This function, what called it, and the runtime come first.
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		if !more {
			return ""
		}
	}
}

func errorOf(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return internalError
}

func (c *connection) read() (incoming, error) {
	var message incoming
	body, err := readFrame(c.in)
	if err != nil {
		return message, err
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return message, errors.New("a frame holds no JSON object")
	}
	return message, nil
}

func (c *connection) write(message outgoing) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return writeFrame(c.out, body)
}
