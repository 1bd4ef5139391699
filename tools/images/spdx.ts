import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Something with a version that is inside an image. */
export interface Component {
  name: string;
  version: string;
  /** @see https://github.com/package-url/purl-spec */
  purl: string;
  /** An SPDX expression. */
  license?: string;
  sha512?: string;
  /** What this is a part of; the image itself when absent. */
  partOf?: string;
}

/** A file of an image. */
export interface ImageFile {
  /** In the image. */
  path: string;
  /** Where it lies while the image is built. */
  from: string;
}

/** The files below a directory that becomes `to` in the image. */
export function filesBelow(directory: string, to: string): ImageFile[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ path: join(to, relative(directory, from)), from }));
}

/**
 * Writes a bill of materials in SPDX 2.3. Equal contents give equal documents.
 *
 * @param image what the document describes
 * @param files listed with their digests
 */
export function spdxDocument(o: {
  image: { name: string; version: string; license: string };
  components: readonly Component[];
  files: readonly ImageFile[];
}): string {
  const files = o.files.map(fileOf).sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
  const components = unique(o.components);
  const contents = JSON.stringify({ image: o.image, components, files });
  const id = createHash('sha256').update(contents).digest('hex');
  return `${JSON.stringify(
    {
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name: `${o.image.name}-${o.image.version}`,
      documentNamespace: `https://sluice.dev/spdx/${o.image.name}/${id}`,
      creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: sluice-images'] },
      documentDescribes: ['SPDXRef-Image'],
      packages: [
        {
          SPDXID: 'SPDXRef-Image',
          name: o.image.name,
          versionInfo: o.image.version,
          downloadLocation: 'NOASSERTION',
          filesAnalyzed: false,
          licenseConcluded: 'NOASSERTION',
          licenseDeclared: o.image.license,
          copyrightText: 'NOASSERTION',
          primaryPackagePurpose: 'CONTAINER',
        },
        ...components.map(packageOf),
      ],
      files,
      relationships: [
        relationship('SPDXRef-DOCUMENT', 'DESCRIBES', 'SPDXRef-Image'),
        ...o.components.map(({ partOf, purl }) =>
          relationship(
            partOf === undefined ? 'SPDXRef-Image' : idOf(partOf),
            'CONTAINS',
            idOf(purl),
          ),
        ),
        ...files.map(({ SPDXID }) => relationship('SPDXRef-Image', 'CONTAINS', SPDXID)),
      ],
    },
    null,
    1,
  )}\n`;
}

function unique(components: readonly Component[]): Component[] {
  return [...new Map(components.map((component) => [component.purl, component])).values()];
}

function packageOf({ name, version, purl, license, sha512 }: Component): object {
  return {
    SPDXID: idOf(purl),
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(sha512 === undefined
      ? {}
      : { checksums: [{ algorithm: 'SHA512', checksumValue: sha512 }] }),
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl },
    ],
  };
}

/** An identifier may hold letters, digits, dots and hyphens only. */
function idOf(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return `SPDXRef-${text.replaceAll(/[^A-Za-z0-9.]+/g, '-')}-${digest}`;
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function fileOf({ path, from }: ImageFile) {
  const bytes = readFileSync(from);
  const digest = (algorithm: 'sha1' | 'sha256') => ({
    algorithm: algorithm.toUpperCase(),
    checksumValue: createHash(algorithm).update(bytes).digest('hex'),
  });
  return {
    SPDXID: idOf(path),
    fileName: `.${path}`,
    checksums: [digest('sha1'), digest('sha256')],
    licenseConcluded: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  };
}
