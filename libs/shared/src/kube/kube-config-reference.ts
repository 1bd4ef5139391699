/** `spec.kubeConfig` of an object. */
export interface KubeConfigReference {
  secretRef?: { name: string; key?: string };
  configMapRef?: { name: string };
}

/** Tells the clusters apart that objects of one namespace refer to. */
export function kubeConfigKey(
  namespace: string,
  { secretRef, configMapRef }: KubeConfigReference,
): string {
  if (configMapRef !== undefined) return `${namespace}/ConfigMap/${configMapRef.name}`;
  return `${namespace}/Secret/${secretRef?.name}/${secretRef?.key ?? ''}`;
}
