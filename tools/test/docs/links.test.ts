import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'charts/**/*.md'], {
  cwd: root,
}).sort();

function textOf(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** The anchor that a heading gets on GitHub and alike. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchorsOf(path: string): Set<string> {
  const headings = [...textOf(path).matchAll(/^#{1,6} +(.+)$/gm)];
  return new Set(headings.map(([, heading]) => anchorOf(heading as string)));
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function problemOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/i.test(link)) return undefined;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, page) : join(root, dirname(page), path);
  if (relative(root, target).startsWith('..')) return `${link} leads out of the repository`;
  if (!exists(target)) return `${link} does not exist`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${link} names no heading`;
}

test('there are pages to check', () => {
  expect(pages).toContain('README.md');
  expect(pages).toContain(join('docs', 'README.md'));
});

test.each(pages)('the relative links of %s lead somewhere', (page) => {
  const prose = textOf(join(root, page)).replaceAll(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
  const problems = links.map(([, link]) => problemOf(page, link as string));
  expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
});

test('every page of docs is reached from its index', () => {
  const reached = new Set<string>();
  const visit = (page: string) => {
    if (reached.has(page)) return;
    reached.add(page);
    for (const [, link] of textOf(join(root, page)).matchAll(/\]\(([^)\s#]+\.md)(?:#[^)]*)?\)/g)) {
      const target = join(dirname(page), link as string);
      if (!/^[a-z]+:/i.test(link as string) && exists(join(root, target))) visit(target);
    }
  };
  visit(join('docs', 'README.md'));
  expect(pages.filter((page) => page.startsWith('docs') && !reached.has(page))).toEqual([]);
});
