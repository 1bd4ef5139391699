package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/notaryproject/notation-core-go/testhelper"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/ocsp"

	"sluice/serve"
)

const (
	jws  = "application/jose+json"
	cose = "application/cose"
)

var artifact = ocispec.Descriptor{
	MediaType: "application/vnd.oci.image.manifest.v1+json",
	Digest:    digest.FromString("content"),
	Size:      7,
}

// A leaf, an intermediate authority and a root; the first two name an OCSP server.
var chain = testhelper.GetRevokableRSAChainWithRevocations(3, true, false)

func askNothing(string, any) (json.RawMessage, error) {
	return nil, &serve.Refusal{Message: "nothing is answered"}
}

func certificates() []*x509.Certificate {
	var all []*x509.Certificate
	for _, one := range chain {
		all = append(all, one.Cert)
	}
	return all
}

func sign(t *testing.T, mediaType string) envelope {
	t.Helper()
	own, err := signer.NewGenericSigner(chain[0].PrivateKey, certificates())
	if err != nil {
		t.Fatal(err)
	}
	content, _, err := own.Sign(context.Background(), artifact, notation.SignerSignOptions{SignatureMediaType: mediaType})
	if err != nil {
		t.Fatal(err)
	}
	return envelope{MediaType: mediaType, Content: content}
}

func policyOf(level string) string {
	text, _ := json.Marshal(map[string]any{
		"version": "1.0",
		"trustPolicies": []any{map[string]any{
			"name":                  "all",
			"registryScopes":        []string{"*"},
			"signatureVerification": map[string]any{"level": level},
			"trustStores":           []string{"ca:any"},
			"trustedIdentities":     []string{"*"},
		}},
	})
	return string(text)
}

func requestFor(level string, signatures ...envelope) *request {
	root := chain[len(chain)-1].Cert
	return &request{
		Reference:    "registry.example.com/app@" + artifact.Digest.String(),
		Artifact:     artifact,
		Signatures:   signatures,
		TrustPolicy:  policyOf(level),
		Certificates: map[string][]byte{"root.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})},
	}
}

// statusFor answers questions to OCSP servers with one status for all certificates.
func statusFor(t *testing.T, status int, asked *[]string) serve.Ask {
	return func(method string, params any) (json.RawMessage, error) {
		question := params.(fetchQuestion)
		*asked = append(*asked, method+" "+question.Method+" "+question.URL)
		raw := question.Body
		if len(raw) == 0 {
			at, _ := url.Parse(question.URL)
			path := at.EscapedPath()
			text, _ := url.QueryUnescape(path[strings.LastIndex(path, "/")+1:])
			raw, _ = base64.StdEncoding.DecodeString(text)
		}
		parsed, err := ocsp.ParseRequest(raw)
		if err != nil {
			t.Error(err, question.URL)
			return nil, err
		}
		for at, one := range chain[:len(chain)-1] {
			if one.Cert.SerialNumber.Cmp(parsed.SerialNumber) != 0 {
				continue
			}
			issuer := chain[at+1]
			template := ocsp.Response{
				Status:           status,
				SerialNumber:     parsed.SerialNumber,
				ThisUpdate:       time.Now().Add(-time.Hour),
				NextUpdate:       time.Now().Add(time.Hour),
				RevokedAt:        time.Now().Add(-time.Hour),
				RevocationReason: ocsp.KeyCompromise,
				IssuerHash:       crypto.SHA1,
			}
			body, err := ocsp.CreateResponse(issuer.Cert, issuer.Cert, template, issuer.PrivateKey)
			if err != nil {
				t.Error(err)
			}
			return json.Marshal(fetchAnswer{Status: 200, ContentType: "application/ocsp-response", Body: body})
		}
		return nil, &serve.Refusal{Message: "no such certificate"}
	}
}

func refusalOf(t *testing.T, err error) *serve.Error {
	t.Helper()
	var refusal *serve.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("expected a refusal, got %v", err)
	}
	return refusal
}

func TestSignerIsNamedWhenNothingIsRevoked(t *testing.T) {
	for _, mediaType := range []string{jws, cose} {
		var asked []string
		result, err := requestFor("strict", sign(t, mediaType)).verify(statusFor(t, ocsp.Good, &asked))
		if err != nil {
			t.Fatal(mediaType, err)
		}
		if got := result.(verdict); got.Signer != chain[0].Cert.Subject.String() || got.Level != "strict" {
			t.Fatalf("%s: %+v", mediaType, got)
		}
		if len(asked) != 2 || !strings.HasPrefix(asked[0], "fetch ") {
			t.Fatalf("%s: asked %v", mediaType, asked)
		}
	}
}

func TestRevokedCertificateDoesNotCount(t *testing.T) {
	var asked []string
	_, err := requestFor("strict", sign(t, jws)).verify(statusFor(t, ocsp.Revoked, &asked))
	if refusal := refusalOf(t, err); refusal.Kind != kindSignature || !strings.Contains(refusal.Message, "revoked") {
		t.Fatalf("%+v", refusal)
	}
}

func TestUnknownRevocationIsRefusedUnlessThePolicyOnlyLogsIt(t *testing.T) {
	_, err := requestFor("strict", sign(t, jws)).verify(askNothing)
	if refusal := refusalOf(t, err); refusal.Kind != kindSignature {
		t.Fatalf("%+v", refusal)
	}
	result, err := requestFor("permissive", sign(t, jws)).verify(askNothing)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.(verdict); got.Signer == "" || len(got.Warnings) != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestTamperedEnvelopesDoNotCount(t *testing.T) {
	var asked []string
	for _, mediaType := range []string{jws, cose} {
		signature := sign(t, mediaType)
		for _, at := range []int{10, len(signature.Content) / 2, len(signature.Content) - 10} {
			changed := envelope{MediaType: mediaType, Content: append([]byte{}, signature.Content...)}
			changed.Content[at] ^= 1
			if result, err := requestFor("strict", changed).verify(statusFor(t, ocsp.Good, &asked)); err == nil {
				// Whitespace and headers that are not signed may change.
				if got := result.(verdict); got.Signer != chain[0].Cert.Subject.String() {
					t.Fatalf("%s at %d: %+v", mediaType, at, got)
				}
			}
		}
		other := requestFor("strict", signature)
		other.Artifact.Digest = digest.FromString("other")
		if refusal := refusalOf(t, second(other.verify(statusFor(t, ocsp.Good, &asked)))); refusal.Kind != kindSignature {
			t.Fatalf("%+v", refusal)
		}
	}
}

func second(_ any, err error) error { return err }

func TestOneOfSeveralSignaturesIsEnough(t *testing.T) {
	var asked []string
	bad := envelope{MediaType: jws, Content: []byte("{}")}
	if _, err := requestFor("strict", bad, sign(t, cose)).verify(statusFor(t, ocsp.Good, &asked)); err != nil {
		t.Fatal(err)
	}
	refusal := refusalOf(t, second(requestFor("strict", bad).verify(askNothing)))
	if refusal.Kind != kindSignature {
		t.Fatalf("%+v", refusal)
	}
}

func TestTrustThatCannotBeUsedIsSaidSo(t *testing.T) {
	for name, change := range map[string]func(*request){
		"no JSON":       func(r *request) { r.TrustPolicy = "{" },
		"no statement":  func(r *request) { r.TrustPolicy = `{"version":"1.0","trustPolicies":[]}` },
		"other version": func(r *request) { r.TrustPolicy = strings.Replace(r.TrustPolicy, `"1.0"`, `"9.0"`, 1) },
		"other scope": func(r *request) {
			r.TrustPolicy = strings.Replace(r.TrustPolicy, `["*"]`, `["registry.example.com/other"]`, 1)
		},
		"no certificate": func(r *request) { r.Certificates = map[string][]byte{"a.crt": []byte("x")} },
	} {
		r := requestFor("strict", sign(t, jws))
		change(r)
		if refusal := refusalOf(t, second(r.verify(askNothing))); refusal.Kind != kindTrust {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
}

func TestSkipNeedsNoSignature(t *testing.T) {
	result, err := requestFor("skip").verify(askNothing)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.(verdict); got.Level != "skip" || got.Signer != "" {
		t.Fatalf("%+v", got)
	}
}

func TestUnsignedContentIsRefused(t *testing.T) {
	refusal := refusalOf(t, second(requestFor("audit").verify(askNothing)))
	if refusal.Kind != kindSignature || refusal.Message != "it is not signed" {
		t.Fatalf("%+v", refusal)
	}
}
