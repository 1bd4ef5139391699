import type { KubeObject } from '@sluice/shared/api';

/** The part of the Pod API that the test node understands. */
export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: { podIP?: string; hostIP?: string };
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  securityContext?: SecurityContext & { fsGroup?: number; supplementalGroups?: number[] };
  serviceAccountName?: string;
  nodeName?: string;
  hostname?: string;
  subdomain?: string;
  terminationGracePeriodSeconds?: number;
}

export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  readOnlyRootFilesystem?: boolean;
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; secretRef?: LocalRef; configMapRef?: LocalRef }[];
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  securityContext?: SecurityContext;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string; divisor?: string };
    secretKeyRef?: KeyRef;
    configMapKeyRef?: KeyRef;
  };
}

export interface Probe {
  httpGet?: { path?: string; port: number | string };
  tcpSocket?: { port: number | string };
}

interface LocalRef {
  name: string;
  optional?: boolean;
}

interface KeyRef extends LocalRef {
  key: string;
}

interface Items {
  items?: { key: string; path: string; mode?: number }[];
}

export interface Volume {
  name: string;
  emptyDir?: object;
  secret?: Items & { secretName: string; optional?: boolean; defaultMode?: number };
  configMap?: Items & LocalRef & { defaultMode?: number };
  persistentVolumeClaim?: { claimName: string };
  projected?: { defaultMode?: number; sources: ProjectedSource[] };
}

export interface ProjectedSource {
  serviceAccountToken?: { path: string; audience?: string; expirationSeconds?: number };
  configMap?: Items & LocalRef;
  secret?: Items & LocalRef;
  downwardAPI?: { items: { path: string; fieldRef?: { fieldPath: string }; mode?: number }[] };
}
