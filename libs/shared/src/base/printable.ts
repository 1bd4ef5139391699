/** Control characters but for tabs and line breaks; what turns the direction of writing; half a surrogate pair. */
const unprintable = /(?![\t\n])[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const everyUnprintable = new RegExp(unprintable.source, 'gu');
/** Colours and the like, as programs send them to terminals. */
const terminalSequences = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-?]*[ -/]*[@-~]`, 'g');

/**
 * Returns a message as people can read it wherever it is shown: what a server says may hold anything, such as a NUL at
 * its end, which breaks terminals and the programs that read a status.
 */
export function printable(text: string): string {
  if (!unprintable.test(text)) return text;
  return text
    .replace(terminalSequences, '')
    .replace(/\r\n?/g, '\n')
    .replace(everyUnprintable, '')
    .trim();
}
