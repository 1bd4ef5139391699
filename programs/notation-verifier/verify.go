package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"sluice/serve"
)

// Kinds of refusals.
const (
	// Policy or certificates cannot be used.
	kindTrust = "trust"
	// No signature counts.
	kindSignature = "signature"
)

type request struct {
	// Where the artifact is, as <host>/<repository>@<digest>; scopes of the policy are compared with it.
	Reference string             `json:"reference"`
	Artifact  ocispec.Descriptor `json:"artifact"`
	// In the order in which they are tried.
	Signatures []envelope `json:"signatures"`
	// JSON of a trustpolicy.json.
	TrustPolicy string `json:"trustPolicy"`
	// PEM or DER by the names of their keys.
	Certificates map[string][]byte `json:"certificates"`
}

type envelope struct {
	MediaType string `json:"mediaType"`
	Content   []byte `json:"content"`
}

type verdict struct {
	// Of the statement in the policy: strict, permissive, audit, skip or custom.
	Level string `json:"level"`
	// Subject of the certificate that signed; empty when the policy lets pass what nobody vouches for.
	Signer string `json:"signer,omitempty"`
	// What is wrong with the signature that counts all the same, since the policy only wants to know.
	Warnings []string `json:"warnings,omitempty"`
}

func (r *request) verify(ask serve.Ask) (any, error) {
	policy, err := r.policy()
	if err != nil {
		return nil, trustError(err)
	}
	statement, err := policy.GetApplicableTrustPolicy(r.Reference)
	if err != nil {
		return nil, trustError(err)
	}
	level, err := statement.SignatureVerification.GetVerificationLevel()
	if err != nil {
		return nil, trustError(err)
	}
	if level.Name == trustpolicy.LevelSkip.Name {
		return verdict{Level: level.Name}, nil
	}
	host := &host{ask: ask}
	defer host.close()
	checker, err := r.verifier(policy, host)
	if err != nil {
		return nil, trustError(err)
	}
	var reasons []string
	for _, signature := range r.Signatures {
		outcome, err := checker.Verify(context.Background(), r.Artifact, signature.Content, notation.VerifierVerifyOptions{
			ArtifactReference:  r.Reference,
			SignatureMediaType: signature.MediaType,
		})
		if err == nil {
			return verdictOf(level, outcome), nil
		}
		reasons = appendNew(reasons, oneLine(err))
	}
	if len(reasons) == 0 {
		reasons = []string{"it is not signed"}
	}
	return nil, &serve.Error{Kind: kindSignature, Message: strings.Join(reasons, "; ")}
}

// policy reads the trust policy. A statement that skips may name stores and identities, which then do not count.
func (r *request) policy() (*trustpolicy.Document, error) {
	var policy trustpolicy.Document
	if err := json.Unmarshal([]byte(r.TrustPolicy), &policy); err != nil {
		return nil, errors.New("trustpolicy.json is no JSON of a trust policy")
	}
	for i := range policy.TrustPolicies {
		statement := &policy.TrustPolicies[i]
		if statement.SignatureVerification.VerificationLevel == trustpolicy.LevelSkip.Name {
			statement.TrustStores, statement.TrustedIdentities = nil, nil
		}
	}
	if err := policy.Validate(); err != nil {
		return nil, fmt.Errorf("trustpolicy.json: %w", err)
	}
	return &policy, nil
}

func (r *request) verifier(policy *trustpolicy.Document, host *host) (notation.Verifier, error) {
	certificates, err := r.certificates()
	if err != nil {
		return nil, err
	}
	signing, err := validatorFor(purpose.CodeSigning, host)
	if err != nil {
		return nil, err
	}
	timestamping, err := validatorFor(purpose.Timestamping, host)
	if err != nil {
		return nil, err
	}
	return verifier.NewWithOptions(policy, store(certificates), nil, verifier.VerifierOptions{
		RevocationCodeSigningValidator:  signing,
		RevocationTimestampingValidator: timestamping,
	})
}

func validatorFor(use purpose.Purpose, host *host) (revocation.Validator, error) {
	return revocation.NewWithOptions(revocation.Options{
		OCSPHTTPClient:   host.client(),
		CRLFetcher:       host.crlFetcher(),
		CertChainPurpose: use,
	})
}

// store holds the certificates of the Secret, whatever name the policy gives to its stores.
type store []*x509.Certificate

func (s store) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return s, nil
}

func (r *request) certificates() ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for name, content := range r.Certificates {
		found, err := parseCertificates(content)
		if err != nil {
			return nil, fmt.Errorf("%s holds no certificate that can be read", name)
		}
		all = append(all, found...)
	}
	return all, nil
}

func parseCertificates(content []byte) ([]*x509.Certificate, error) {
	block, rest := pem.Decode(content)
	if block == nil {
		return x509.ParseCertificates(content)
	}
	var all []*x509.Certificate
	for ; block != nil; block, rest = pem.Decode(rest) {
		found, err := x509.ParseCertificates(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func verdictOf(level *trustpolicy.VerificationLevel, outcome *notation.VerificationOutcome) verdict {
	result := verdict{Level: level.Name}
	isAuthentic := true
	for _, check := range outcome.VerificationResults {
		if check.Error == nil {
			continue
		}
		isAuthentic = isAuthentic && check.Type != trustpolicy.TypeAuthenticity
		result.Warnings = appendNew(result.Warnings, fmt.Sprintf("%s: %s", check.Type, oneLine(check.Error)))
	}
	if chain := outcome.EnvelopeContent.SignerInfo.CertificateChain; isAuthentic && len(chain) > 0 {
		result.Signer = chain[0].Subject.String()
	}
	return result
}

func trustError(err error) error {
	return &serve.Error{Kind: kindTrust, Message: oneLine(err)}
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func appendNew(list []string, text string) []string {
	for _, one := range list {
		if one == text {
			return list
		}
	}
	return append(list, text)
}
