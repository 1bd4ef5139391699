import { readFileSync } from 'node:fs';
import type { BundledPackage } from '../bundle/bundle.ts';
import type { DebianPackage } from './debian.ts';
import { readGoBuildInfo } from './go-build-info.ts';
import type { Component } from './spdx.ts';

/** Numbers of interfaces and data, of which no defect is ever reported. */
const notComponents = new Set(['modules', 'napi', 'unicode', 'cldr', 'node']);

/** Node and the libraries that are compiled into it. */
export function nodeComponents(versions: Record<string, string | undefined>): Component[] {
  const { node = '' } = versions;
  const purl = `pkg:generic/node@${node}`;
  const parts = Object.entries(versions).filter(
    ([name, version]) => !notComponents.has(name) && version !== undefined && version !== '',
  );
  return [
    { name: 'node', version: node, purl, license: 'MIT' },
    ...parts.map(([name, version = '']) => ({
      name,
      version,
      purl: `pkg:generic/${name}@${encodeURIComponent(version)}`,
      partOf: purl,
    })),
  ];
}

/** The npm packages of a bundle. */
export function npmComponents(packages: readonly BundledPackage[]): Component[] {
  return packages.map(({ name, version, license, integrity }) => ({
    name,
    version,
    // The scope's @ is written as a percent sequence.
    purl: `pkg:npm/${name.replace(/^@/, '%40')}@${version}`,
    license,
    ...(integrity?.startsWith('sha512-')
      ? { sha512: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }
      : {}),
  }));
}

/**
 * A Go program, its modules and Go's own library.
 *
 * @param path the program file
 */
export function goComponents(path: string): Component[] {
  const { goVersion, main, modules } = readGoBuildInfo(readFileSync(path));
  const stdlib = { path: 'stdlib', version: goVersion.replace(/^go/, '') };
  const purlOf = (module: { path: string; version: string }) =>
    `pkg:golang/${module.path}@${encodeURIComponent(module.version)}`;
  return [main, stdlib, ...modules].map((module) => ({
    name: module.path,
    version: module.version,
    purl: purlOf(module),
    ...(module === main ? {} : { partOf: purlOf(main) }),
  }));
}

/** Debian packages of which the image has files. */
export function debianComponents(packages: readonly DebianPackage[]): Component[] {
  return packages.map(({ name, version, architecture }) => ({
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
  }));
}
