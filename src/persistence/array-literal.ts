const NEEDS_ESCAPE = /["\\]/;
const ESCAPED = /["\\]/g;

/**
 * A one-dimensional array in PostgreSQL's text form, as the driver would write it. The driver does each element by
 * itself and by two replacements; most elements here (ids, numbers, SKUs) have nothing to replace.
 * @throws TypeError for an element that no column of ours holds
 */
export function arrayLiteral(values: readonly unknown[]): string {
  let text = '';
  for (const value of values) text += text === '' ? element(value) : `,${element(value)}`;
  return `{${text}}`;
}

function element(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  switch (typeof value) {
    case 'string':
      return NEEDS_ESCAPE.test(value) ? `"${value.replace(ESCAPED, '\\$&')}"` : `"${value}"`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value instanceof Uint8Array) return `"\\\\x${hexOf(value)}"`;
      throw new TypeError('an array element is neither text, number, boolean nor bytes');
  }
}

function hexOf(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('hex');
}
