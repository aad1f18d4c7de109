/** Crockford's base 32: no I, L, O, U, so that it reads well aloud and in print. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const PREFIX = 'EM';
const RANDOM_BYTES = 10;
const BODY_LENGTH = 16;
const GROUP_LENGTH = 4;

/** Bytes of randomness a tracking id is made of: 80 bits, so that it cannot be guessed. */
export const TRACKING_ID_RANDOM_BYTES = RANDOM_BYTES;

/**
 * A public id such as `EM-7K2Q-9XJ4-0MVT-C5RA-H`: 80 random bits as 16 letters in groups of four, then a check letter.
 * @param random exactly {@link TRACKING_ID_RANDOM_BYTES} bytes from a cryptographic source
 * @throws RangeError on any other length
 */
export function makeTrackingId(random: Uint8Array): string {
  if (random.length !== RANDOM_BYTES) throw new RangeError(`a tracking id needs ${RANDOM_BYTES} random bytes`);
  let body = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of random) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      body += ALPHABET[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return format(body);
}

/** Whether a text is a well-formed tracking id with the right check letter. */
export function isTrackingId(text: string): boolean {
  return normaliseTrackingId(text) === text;
}

/** The canonical form of what a person typed (lower case, O for 0, I or L for 1, missing dashes), or null. */
export function normaliseTrackingId(text: string): string | null {
  const typed = text.toUpperCase().replace(/[\s-]/g, '');
  const hasPrefix = typed.length === PREFIX.length + BODY_LENGTH + 1 && typed.startsWith(PREFIX);
  const letters = (hasPrefix ? typed.slice(PREFIX.length) : typed).replaceAll('O', '0').replace(/[IL]/g, '1');
  if (letters.length !== BODY_LENGTH + 1) return null;
  const body = letters.slice(0, BODY_LENGTH);
  if ([...body].some((letter) => !ALPHABET.includes(letter))) return null;
  return checkLetter(body) === letters[BODY_LENGTH] ? format(body) : null;
}

function format(body: string): string {
  const groups: string[] = [];
  for (let start = 0; start < BODY_LENGTH; start += GROUP_LENGTH) groups.push(body.slice(start, start + GROUP_LENGTH));
  return `${PREFIX}-${groups.join('-')}-${checkLetter(body)}`;
}

/**
 * The Luhn mod N check letter over base 32 (ISO/IEC 7812-1 generalised): finds each single wrong letter and
 * nearly all swaps of neighbours.
 */
function checkLetter(body: string): string {
  const base = ALPHABET.length;
  let sum = 0;
  let factor = 2;
  for (let at = body.length - 1; at >= 0; at -= 1) {
    const addend = factor * ALPHABET.indexOf(body.charAt(at));
    sum += Math.floor(addend / base) + (addend % base);
    factor = factor === 2 ? 1 : 2;
  }
  return ALPHABET.charAt((base - (sum % base)) % base);
}
