/** What JSON leaves as it is, and terminals or readers may take for a command or turn around. */
const risky = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Returns a value as JSON for programs, in ASCII where a terminal would act upon a character. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replace(risky, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
