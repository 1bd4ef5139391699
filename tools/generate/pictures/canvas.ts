/** How a text looks. */
export interface TextStyle {
  color: string;
  size?: number;
  bold?: boolean;
}

const width = 640;
const font = 'Helvetica, Arial, sans-serif';
/** Part of its size that a character is wide, on average. */
const characterWidth = 0.6;
const lineHeight = 1.45;

function escaped(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => names[character] ?? character);
}

/** Lines of a text that fit into some pixels; words that are longer than a line are broken. */
export function wrapped(text: string, size: number, pixels: number): string[] {
  const max = Math.floor(pixels / (size * characterWidth));
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [''];
    for (const word of paragraph.match(new RegExp(`\\S{1,${max}}`, 'g')) ?? []) {
      const last = lines.at(-1) ?? '';
      if (last === '') lines[lines.length - 1] = word;
      else if (last.length + 1 + word.length <= max) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}

/** A picture that grows downwards, in SVG. */
export class Canvas {
  readonly #elements: string[] = [];
  #bottom: number;

  constructor(top: number) {
    this.#bottom = top;
  }

  /** Where the next text begins. */
  get bottom(): number {
    return this.#bottom;
  }

  /** Leaves some pixels free. */
  skip(pixels: number): void {
    this.#bottom += pixels;
  }

  /** Writes a text below what is there, in as many lines as it takes. */
  text(text: string, left: number, { color, size = 15, bold = false }: TextStyle): void {
    for (const line of wrapped(text, size, width - left - 40)) {
      this.#bottom += Math.round(size * lineHeight);
      const weight = bold ? ' font-weight="bold"' : '';
      this.#elements.push(
        `<text x="${left}" y="${this.#bottom - 5}" font-size="${size}"${weight} fill="${color}">${escaped(line)}</text>`,
      );
    }
  }

  /** Draws below what is written. */
  box(o: { x: number; y: number; width: number; height: number; fill: string; round?: number }) {
    this.#elements.unshift(
      `<rect x="${o.x}" y="${o.y}" width="${o.width}" height="${o.height}" rx="${o.round ?? 0}" fill="${o.fill}"/>`,
    );
  }

  /** The picture, with a description for those who do not see it. */
  svg({ background, title, mark }: { background: string; title: string; mark: string }): string {
    const height = this.#bottom + 20;
    return [
      `<!-- ${mark} -->`,
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${font}" role="img">`,
      `<title>${escaped(title)}</title>`,
      `<rect width="${width}" height="${height}" fill="${background}"/>`,
      ...this.#elements,
      '</svg>',
      '',
    ].join('\n');
  }
}
