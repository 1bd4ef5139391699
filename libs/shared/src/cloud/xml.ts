import { SaxesParser } from 'saxes';

/** An element with the text that is directly in it. */
export interface XmlNode {
  name: string;
  text: string;
  children: XmlNode[];
  attributes?: Record<string, string>;
}

/** What an answer may be made of: a page of a thousand objects has some ten thousand elements. */
const maxNodes = 200_000;
const maxDepth = 20;

/** A text that is no XML, or more than an answer can hold. */
export class XmlError extends Error {
  override name = 'XmlError';
}

/**
 * Reads an XML text. Document types, and so entities of their own, have no effect; names keep their prefixes.
 *
 * @throws XmlError
 */
export function parseXml(text: string): XmlNode {
  const top: XmlNode = { name: '', text: '', children: [] };
  const open: XmlNode[] = [top];
  let nodes = 0;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw new XmlError(error.message);
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (++nodes > maxNodes || open.length > maxDepth) throw new XmlError('it has too many parts');
    const node: XmlNode = { name, text: '', children: [], attributes };
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const add = (part: string) => {
    const node = open.at(-1);
    if (node !== undefined) node.text += part;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.write(text).close();
  const [root] = top.children;
  if (root === undefined) throw new XmlError('it is empty');
  return root;
}

/** The first child of that name. */
export function childOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  return node?.children.find((child) => child.name === name);
}

/** The text of the first child of that name; empty when there is none. */
export function textOf(node: XmlNode | undefined, name: string): string {
  return childOf(node, name)?.text ?? '';
}
