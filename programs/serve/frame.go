package serve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// readFrame returns io.EOF when the input ends before a frame, and another error when it ends in one.
func readFrame(in io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is longer than the limit of %d", length, maxFrame)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body, nil
}

func writeFrame(out io.Writer, body []byte) error {
	frame := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	_, err := out.Write(append(frame, body...))
	return err
}
