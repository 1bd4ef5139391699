import type { TProperties } from 'typebox';
import { addition, bool, enumOf, list, object, opt, rules, str, strMap } from './builders.ts';
import { localRef, selector } from './common.ts';

/** `spec.kubeConfig`: the remote cluster to act on. */
export function kubeConfig() {
  return object(
    'Remote cluster to act on instead of the own one. Together with a service account, the controller impersonates that account on the remote cluster.',
    {
      configMapRef: opt(
        localRef(
          'ConfigMap for a login through a cloud or OIDC: provider (aws, azure, gcp or generic), and as the provider needs them cluster, address, ca.crt, audiences and serviceAccountName.',
          'Name of the ConfigMap.',
        ),
      ),
      secretRef: opt(
        object('Secret with a self-contained kubeconfig file.', {
          name: str('Name of the Secret.'),
          key: opt(str('Key of the file in the Secret; value or value.yaml when unset.')),
        }),
      ),
    },
    rules(
      {
        rule: 'has(self.secretRef) || has(self.configMapRef)',
        message: 'set one of spec.kubeConfig.configMapRef and spec.kubeConfig.secretRef',
      },
      {
        rule: '!(has(self.secretRef) && has(self.configMapRef))',
        message: 'set only one of spec.kubeConfig.configMapRef and spec.kubeConfig.secretRef',
      },
    ),
  );
}

/** `spec.dependsOn`; a dependency is of the object's own kind unless it names another. */
export function dependsOn(own: 'Kustomization' | 'HelmRelease') {
  return list(
    'What has to be ready before this object is reconciled.',
    object('An object to wait for.', {
      apiVersion: opt(
        str(
          'API version of the object; needed for kinds other than Kustomization and HelmRelease.',
          addition,
        ),
      ),
      kind: opt(str(`Kind of the object, which may be any; ${own} when unset.`, addition)),
      name: str('Name of the object.'),
      namespace: opt(
        str(
          'Namespace of the object; that of this one when unset. Objects without a namespace need none.',
        ),
      ),
      ready: opt(
        bool(
          'Whether the object has to be ready, and not merely there. True when unset for Kustomization and HelmRelease, false for other kinds.',
          addition,
        ),
      ),
      readyExpr: opt(
        str(
          'CEL expression over self and dep that says whether the dependency is ready. It replaces the usual check, or adds to it under the feature gate AdditiveCELDependencyCheck.',
        ),
      ),
    }),
  );
}

/** `spec.healthCheckExprs`. */
export function healthCheckExprs(description: string) {
  return list(
    description,
    object('How to read the health of one kind. The first expression that holds decides.', {
      apiVersion: str('API version of the kind.'),
      kind: opt(str('The kind.')),
      inProgress: opt(str('CEL expression that is true while the object is on its way.')),
      failed: opt(str('CEL expression that is true when the object has failed.')),
      current: str('CEL expression that is true when the object is as desired.'),
    }),
  );
}

/** `spec.commonMetadata`. */
export function commonMetadata() {
  return object('Labels and annotations to set on every object, over those of the same name.', {
    labels: opt(strMap('Labels to set.', 'Value of the label named by the key.')),
    annotations: opt(strMap('Annotations to set.', 'Value of the annotation named by the key.')),
  });
}

/** A kustomize patch list. */
export function patches() {
  return list(
    'Patches to apply after the build, in order.',
    object('One patch.', {
      patch: str(
        'Strategic merge patch, or list of JSON patch operations (RFC 6902), as YAML or JSON.',
      ),
      target: opt(selector('Objects to patch; when unset, the object that the patch names.')),
    }),
  );
}

/** A kustomize image list. */
export function images() {
  return list(
    'Images to rename or to set to another tag or digest.',
    object('Replacement for one image.', {
      name: str('Name of the image to replace, without tag.'),
      newName: opt(str('Name to use instead.')),
      newTag: opt(str('Tag to use instead.')),
      digest: opt(str('Digest to use instead; wins over the tag.')),
    }),
  );
}

/** Returns `status.inventory`, whose entries may have more fields. */
export function inventory<T extends TProperties>(more: T) {
  return object('Objects which this object manages in the cluster.', {
    entries: list(
      'The objects.',
      object('One object.', {
        id: str('Identity of the object, as `<namespace>_<name>_<group>_<kind>`.'),
        v: str('API version in which the object was applied, without its group.'),
        adopted: opt(
          bool(
            'A Namespace that was there before it was first applied; it is not deleted unless the annotation `prune.sluice.dev/allow` names it.',
            addition,
          ),
        ),
        ...more,
      }),
    ),
  });
}

/** `status.pinnedArtifacts`: what is needed to apply the last good revision once more. */
export function pinnedArtifacts() {
  return list(
    'The artifact that was last applied with success; source-controller may be told to keep it although newer ones exist.',
    object('An artifact that is still needed.', {
      sourceRef: object('The source that published it.', {
        kind: str('Kind of the source.'),
        name: str('Name of the source.'),
        namespace: str('Namespace of the source.'),
      }),
      path: str('Path of the file below the root of the storage.'),
      digest: str('Digest of the file, as `<algorithm>:<hex>`.'),
    }),
    { maxItems: 2, ...addition },
  );
}

/** `suspend` of an applier. */
export function applierSuspend() {
  return bool('Stops reconciliation while true; what is running ends, and applied objects stay.');
}

/** How drift is handled. */
export function driftMode(description: string) {
  return enumOf(description, ['enabled', 'warn', 'disabled']);
}
