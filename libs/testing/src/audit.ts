import { readFile } from 'node:fs/promises';

/** One request to the API server, as its audit log tells it. */
export interface AuditedRequest {
  /** Whose credentials were used. */
  user: string;
  /** Whom the request acted as, if not as the user itself. */
  impersonated: string | undefined;
  /** What the client calls itself. */
  userAgent: string;
  verb: string;
  /** API group; empty for the core group. */
  group: string;
  /** Plural, with the subresource after a slash; the path of a request that is for no resource. */
  resource: string;
  namespace: string;
  name: string;
  /** HTTP status of the answer. */
  code: number;
  /** What the server said about a refusal. */
  message: string;
}

interface AuditEvent {
  stage: string;
  verb: string;
  requestURI: string;
  user: { username: string };
  impersonatedUser?: { username: string };
  userAgent?: string;
  objectRef?: {
    resource?: string;
    subresource?: string;
    apiGroup?: string;
    namespace?: string;
    name?: string;
  };
  responseStatus?: { code?: number; message?: string };
}

/** Reads the audit log of a control plane that was started with `audit`. */
export async function auditedRequests(controlPlaneDir: string): Promise<AuditedRequest[]> {
  const text = await readFile(`${controlPlaneDir}/audit.log`, 'utf8');
  // The last line may be half written.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter(Boolean).map((line) => requestOf(JSON.parse(line) as AuditEvent));
}

function requestOf(event: AuditEvent): AuditedRequest {
  const { resource, subresource, apiGroup = '', namespace = '', name = '' } = event.objectRef ?? {};
  const path = event.requestURI.split('?')[0] as string;
  const full = subresource ? `${resource}/${subresource}` : resource;
  return {
    user: event.user.username,
    impersonated: event.impersonatedUser?.username,
    userAgent: event.userAgent ?? '',
    verb: event.verb,
    group: apiGroup,
    resource: full ?? path,
    namespace,
    name,
    code: event.responseStatus?.code ?? 0,
    message: event.responseStatus?.message ?? '',
  };
}
