import type { KubeObject } from '@sluice/shared/api';
import type { Forward } from './forward.ts';

export interface Service extends KubeObject {
  spec: { clusterIP?: string; ports?: { name?: string; port: number; protocol?: string }[] };
}

export interface EndpointSlice extends KubeObject {
  endpoints?: { addresses: string[]; hostname?: string; conditions?: { ready?: boolean } }[] | null;
  ports?: { name?: string; port?: number }[] | null;
}

const serviceLabel = 'kubernetes.io/service-name';
const domain = 'svc.cluster.local';

/** What kube-proxy does: connections to a Service's address go to the ready endpoints of the port's name. */
export function forwardsOf(services: Service[], slices: EndpointSlice[]): Forward[] {
  return services
    .filter(({ spec, metadata }) => isAddress(spec.clusterIP) && metadata.name !== 'kubernetes')
    .flatMap((service) =>
      (service.spec.ports ?? []).map(({ name, port }) => ({
        from: { host: service.spec.clusterIP as string, port },
        to: endpointsOf(service, slices, name ?? ''),
      })),
    );
}

function endpointsOf(service: Service, slices: EndpointSlice[], portName: string) {
  return slicesOf(service, slices).flatMap((slice) => {
    const port = slice.ports?.find(({ name = '' }) => name === portName)?.port;
    if (port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses.map((host) => ({ host, port })));
  });
}

function slicesOf({ metadata }: Service, slices: EndpointSlice[]): EndpointSlice[] {
  return slices.filter(
    (slice) =>
      slice.metadata.namespace === metadata.namespace &&
      slice.metadata.labels?.[serviceLabel] === metadata.name,
  );
}

/** What the cluster's DNS would answer, as a hosts file: Services, also with the dot at the end, and named Pods. */
export function hostsFile(services: Service[], slices: EndpointSlice[]): string {
  const lines = ['127.0.0.1 localhost'];
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const full = `${name}.${namespace}.${domain}`;
    const endpoints = slicesOf(service, slices).flatMap(({ endpoints: each }) => each ?? []);
    const addresses = isAddress(service.spec.clusterIP)
      ? [service.spec.clusterIP]
      : endpoints.flatMap((endpoint) => endpoint.addresses);
    for (const address of addresses) {
      lines.push(
        `${address} ${full} ${full}. ${name}.${namespace}.svc ${name}.${namespace} ${name}`,
      );
    }
    for (const { hostname, addresses: own } of endpoints) {
      if (!hostname) continue;
      const host = `${hostname}.${full}`;
      lines.push(
        `${own[0]} ${host} ${host}. ${hostname}.${name}.${namespace}.svc ${hostname}.${name}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function isAddress(clusterIp: string | undefined): clusterIp is string {
  return clusterIp !== undefined && clusterIp !== '' && clusterIp !== 'None';
}
