import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every program a command of this repository may ask for. */
export const toolNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
  'nats-server',
  'registry',
  'kustomize',
  'kustomize-builder',
  'sops',
  'helm',
  'helm-renderer',
  'alertmanager',
  'flux',
  'flux-source-controller',
  'flux-kustomize-controller',
  'flux-helm-controller',
  'flux-source-watcher',
  'promtool',
  'actionlint',
  'otlp-receiver',
  'gitea',
  'notation-verifier',
  'notation',
  'cosign',
  'versitygw',
  'fake-gcs-server',
] as const;

export type ToolName = (typeof toolNames)[number];

/** How one tool is recognised when it is installed and built when it is not. */
export interface ToolRecipe {
  /** Folder under tools/go, or under programs for one of our own, that holds the pinned go.mod and go.sum. */
  module: string;
  /** A program of this repository: it is always built, and its version is that of the library it is a door to. */
  own?: boolean;
  /** Module whose version in that go.mod is the tool's version. */
  versionOf: string;
  /** Main package to build; `.` for one of ours that stands beside its go.mod. */
  package: string;
  /** Arguments that print the version without network access. */
  versionArgs: string[];
  /** The linker's -X settings, for tools that would report no version when built from a module. */
  linkerValues?: (version: string) => Record<string, string>;
  /**
   * Files, by their path in the module, that its source embeds but its release generates. The tool is then built
   * in a copy of the module, with the module's own go.mod.
   */
  generatedFiles?: Record<string, string>;
}

function kubernetesTool(name: string, versionArgs: string[]): ToolRecipe {
  return {
    module: 'kubernetes',
    versionOf: 'k8s.io/kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    versionArgs,
    linkerValues: (version) => {
      const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
      const prefix = 'k8s.io/component-base/version';
      return {
        [`${prefix}.gitVersion`]: version,
        [`${prefix}.gitMajor`]: major,
        [`${prefix}.gitMinor`]: minor,
      };
    },
  };
}

/** A controller of Flux, from which clusters move over; it has no way to say its version. */
function fluxController(name: string, module = 'flux-controllers'): ToolRecipe {
  return {
    module,
    versionOf: `github.com/fluxcd/${name}`,
    package: `github.com/fluxcd/${name}`,
    versionArgs: ['--help'],
  };
}

/**
 * A program of ours over a Go library.
 *
 * @param name folder below programs
 * @param library module whose version in its go.mod is the program's
 */
export function ownProgram(name: string, library: string): ToolRecipe {
  return {
    module: name,
    own: true,
    versionOf: library,
    package: '.',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'main.version': version }),
  };
}

const recipes: Record<ToolName, ToolRecipe> = {
  etcd: {
    module: 'etcd',
    versionOf: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    versionArgs: ['--version'],
  },
  'kube-apiserver': kubernetesTool('kube-apiserver', ['--version']),
  'kube-controller-manager': kubernetesTool('kube-controller-manager', ['--version']),
  'kube-scheduler': kubernetesTool('kube-scheduler', ['--version']),
  kubectl: kubernetesTool('kubectl', ['version', '--client']),
  kwok: {
    module: 'kwok',
    versionOf: 'sigs.k8s.io/kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'sigs.k8s.io/kwok/pkg/consts.Version': version }),
  },
  'nats-server': {
    module: 'nats-server',
    versionOf: 'github.com/nats-io/nats-server/v2',
    package: 'github.com/nats-io/nats-server/v2',
    versionArgs: ['--version'],
  },
  registry: {
    module: 'registry',
    versionOf: 'github.com/distribution/distribution/v3',
    package: 'github.com/distribution/distribution/v3/cmd/registry',
    versionArgs: ['--version'],
    linkerValues: (version) => ({
      'github.com/distribution/distribution/v3/version.version': version,
    }),
  },
  kustomize: {
    module: 'kustomize',
    versionOf: 'sigs.k8s.io/kustomize/kustomize/v5',
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    versionArgs: ['version'],
    linkerValues: (version) => ({ 'sigs.k8s.io/kustomize/api/provenance.version': version }),
  },
  'kustomize-builder': {
    ...ownProgram('kustomize-builder', 'sigs.k8s.io/kustomize/api'),
    linkerValues: (version) => ({
      'main.version': version,
      // Which kustomize can write into a label.
      'sigs.k8s.io/kustomize/api/provenance.version': pinnedVersion('kustomize'),
    }),
  },
  sops: {
    module: 'sops',
    versionOf: 'github.com/getsops/sops/v3',
    package: 'github.com/getsops/sops/v3/cmd/sops',
    versionArgs: ['--disable-version-check', '--version'],
  },
  helm: {
    module: 'helm',
    versionOf: 'helm.sh/helm/v4',
    package: 'helm.sh/helm/v4/cmd/helm',
    versionArgs: ['version', '--short'],
    linkerValues: (version) => ({ 'helm.sh/helm/v4/internal/version.version': version }),
  },
  'helm-renderer': ownProgram('helm-renderer', 'helm.sh/helm/v4'),
  alertmanager: {
    module: 'alertmanager',
    versionOf: 'github.com/prometheus/alertmanager',
    package: 'github.com/prometheus/alertmanager/cmd/alertmanager',
    versionArgs: ['--version'],
    linkerValues: (version) => ({
      'github.com/prometheus/common/version.Version': version.replace(/^v/, ''),
    }),
  },
  flux: {
    module: 'flux',
    versionOf: 'github.com/fluxcd/flux2/v2',
    package: 'github.com/fluxcd/flux2/v2/cmd/flux',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'main.VERSION': version.replace(/^v/, '') }),
    // The manifests that `flux install` applies; the other commands do without.
    generatedFiles: { 'cmd/flux/manifests/none.yaml': '' },
  },
  'flux-source-controller': fluxController('source-controller', 'flux-source-controller'),
  'flux-kustomize-controller': fluxController('kustomize-controller'),
  'flux-helm-controller': fluxController('helm-controller'),
  'flux-source-watcher': {
    module: 'flux-source-watcher',
    versionOf: 'github.com/fluxcd/source-watcher/v2',
    package: 'github.com/fluxcd/source-watcher/v2/cmd',
    versionArgs: ['--help'],
  },
  promtool: {
    module: 'prometheus',
    versionOf: 'github.com/prometheus/prometheus',
    package: 'github.com/prometheus/prometheus/cmd/promtool',
    versionArgs: ['--version'],
    linkerValues: (version) => ({
      'github.com/prometheus/common/version.Version': version.replace(/^v/, ''),
    }),
  },
  actionlint: {
    module: 'actionlint',
    versionOf: 'github.com/rhysd/actionlint',
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
    versionArgs: ['--version'],
    linkerValues: (version) => ({
      'github.com/rhysd/actionlint.version': version.replace(/^v/, ''),
    }),
  },
  // The collector's own main package is in no module; the receiver is what the traces go to.
  'otlp-receiver': {
    module: 'otlp-receiver',
    versionOf: 'go.opentelemetry.io/collector/receiver/otlpreceiver',
    package: '.',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'main.version': version }),
  },
  gitea: {
    module: 'gitea',
    versionOf: 'gitea.dev',
    package: 'gitea.dev',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'main.Version': version.replace(/^v/, '') }),
  },
  'notation-verifier': ownProgram('notation-verifier', 'github.com/notaryproject/notation-go'),
  notation: {
    module: 'notation',
    versionOf: 'github.com/notaryproject/notation',
    package: 'github.com/notaryproject/notation/cmd/notation',
    versionArgs: ['version'],
    linkerValues: (version) => ({
      'github.com/notaryproject/notation/internal/version.Version': version,
    }),
  },
  cosign: {
    module: 'cosign',
    versionOf: 'github.com/sigstore/cosign/v3',
    package: 'github.com/sigstore/cosign/v3/cmd/cosign',
    versionArgs: ['version'],
    linkerValues: (version) => ({ 'sigs.k8s.io/release-utils/version.gitVersion': version }),
  },
  versitygw: {
    module: 'versitygw',
    versionOf: 'github.com/versity/versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    versionArgs: ['--version'],
    linkerValues: (version) => ({ 'main.Version': version }),
  },
  // It has no way to say its version.
  'fake-gcs-server': {
    module: 'fake-gcs-server',
    versionOf: 'github.com/fsouza/fake-gcs-server',
    package: 'github.com/fsouza/fake-gcs-server',
    versionArgs: ['-help'],
  },
};

/** The recipe of one tool. */
export function recipeOf(name: ToolName): ToolRecipe {
  return recipes[name];
}

/** True when `name` is a tool this repository knows how to provision. */
export function isToolName(name: string): name is ToolName {
  return (toolNames as readonly string[]).includes(name);
}

const root = join(import.meta.dirname, '..', '..');

/** Folder that holds the pinned modules. */
export const modulesDir = join(root, 'tools', 'go');

/** Folder that holds the programs of this repository, each a module, and `serve`, which they share. */
export const programsDir = join(root, 'programs');

/** The folder in which a tool is built. */
export function moduleDirOf(name: ToolName): string {
  const { module, own } = recipeOf(name);
  return join(own ? programsDir : modulesDir, module);
}

/**
 * The version a tool is pinned to, read from its go.mod so that it is stated in one place.
 *
 * @param name the tool
 * @returns a version with its leading v, such as `v1.36.3`
 * @throws Error when the go.mod does not require the tool's module
 */
export function pinnedVersion(name: ToolName): string {
  const { versionOf } = recipeOf(name);
  const file = join(moduleDirOf(name), 'go.mod');
  const escaped = versionOf.replace(/[.]/g, '\\.');
  const found = new RegExp(`^(?:require)?\\s*${escaped} (v\\S+)`, 'm').exec(
    readFileSync(file, 'utf8'),
  );
  if (!found?.[1]) throw new Error(`${file}: no requirement of ${versionOf}; add it with go get`);
  return found[1];
}
