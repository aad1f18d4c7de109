import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isTrackingId,
  makeTrackingId,
  normaliseTrackingId,
  TRACKING_ID_RANDOM_BYTES,
} from '../../src/domain/tracking-id.ts';
import { runs } from '../support/arbitraries.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const randomBytes = fc.uint8Array({ minLength: TRACKING_ID_RANDOM_BYTES, maxLength: TRACKING_ID_RANDOM_BYTES });
const trackingId = randomBytes.map(makeTrackingId);

/** Offsets of the 17 letters that carry information, the dashes and the prefix left out. */
const LETTERS = [3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 23];

function replaceAt(text: string, at: number, letter: string): string {
  return text.slice(0, at) + letter + text.slice(at + 1);
}

/** The random bytes an id was made of, read back from its letters. */
function bytesOf(id: string): number[] {
  const bits = LETTERS.slice(0, 16)
    .map((at) => ALPHABET.indexOf(id.charAt(at)).toString(2).padStart(5, '0'))
    .join('');
  return Array.from({ length: TRACKING_ID_RANDOM_BYTES }, (_, at) =>
    Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2),
  );
}

describe('a tracking id', () => {
  test('has the published form and keeps all 80 random bits', () => {
    fc.assert(
      fc.property(randomBytes, (random) => {
        const id = makeTrackingId(random);
        expect(id).toMatch(/^EM(-[0-9A-HJKMNP-TV-Z]{4}){4}-[0-9A-HJKMNP-TV-Z]$/);
        expect(bytesOf(id)).toEqual([...random]);
        expect(isTrackingId(id)).toBe(true);
      }),
      runs(),
    );
  });

  test.each([0, 9, 11])('is not made of %i bytes', (length) => {
    expect(() => makeTrackingId(new Uint8Array(length))).toThrow(RangeError);
  });

  test('does not repeat over 100,000 different random values', () => {
    const seen = new Set<string>();
    const random = new Uint8Array(TRACKING_ID_RANDOM_BYTES);
    let state = 0x2545_f491n;
    for (let made = 0; made < 100_000; made += 1) {
      // A 64-bit linear congruential generator of full period: no value comes twice, so no id may.
      state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
      new DataView(random.buffer).setBigUint64(2, state);
      seen.add(makeTrackingId(random));
    }
    expect(seen.size).toBe(100_000);
  });
});

describe('the check letter', () => {
  test('finds every single wrong letter', () => {
    fc.assert(
      fc.property(trackingId, fc.constantFrom(...LETTERS), (id, at) => {
        const wrong = [...ALPHABET].filter((letter) => letter !== id.charAt(at));
        for (const letter of wrong) expect(normaliseTrackingId(replaceAt(id, at, letter))).toBeNull();
      }),
      runs(),
    );
  });

  test('finds every swap of neighbours but that of 0 and Z', () => {
    let swaps = 0;
    let found = 0;
    fc.assert(
      fc.property(trackingId, fc.nat({ max: LETTERS.length - 2 }), (id, pair) => {
        const [left = 0, right = 0] = LETTERS.slice(pair, pair + 2);
        const [a, b] = [id.charAt(left), id.charAt(right)];
        fc.pre(a !== b);
        const isFound = normaliseTrackingId(replaceAt(replaceAt(id, left, b), right, a)) === null;
        swaps += 1;
        found += isFound ? 1 : 0;
        expect(isFound).toBe([a, b].sort().join('') !== '0Z');
      }),
      runs(5_000),
    );
    expect(found / swaps).toBeGreaterThan(0.99);
  });
});

describe('what a person typed', () => {
  const typings: [string, (id: string) => string][] = [
    ['lower case', (id) => id.toLowerCase()],
    ['no dashes', (id) => id.replaceAll('-', '')],
    ['spaces for dashes', (id) => ` ${id.replaceAll('-', ' ')} `],
    ['no prefix', (id) => id.slice(3)],
    ['no prefix and no dashes', (id) => id.slice(3).replaceAll('-', '')],
    ['O for 0', (id) => id.replaceAll('0', 'O')],
    ['I for 1', (id) => id.replaceAll('1', 'I')],
    ['l for 1', (id) => id.replaceAll('1', 'l')],
  ];

  test.each(typings)('is understood with %s', (_, typed) => {
    fc.assert(
      fc.property(trackingId, (id) => {
        expect(normaliseTrackingId(typed(id))).toBe(id);
      }),
      runs(),
    );
  });

  test('is understood without prefix also where the body begins with EM', () => {
    // 01110 10100 are E and M.
    const id = makeTrackingId(Uint8Array.of(0b01110_101, 0b00_000000, 0, 0, 0, 0, 0, 0, 0, 7));
    expect(id.startsWith('EM-EM')).toBe(true);
    expect(normaliseTrackingId(id.slice(3))).toBe(id);
    expect(normaliseTrackingId(id)).toBe(id);
  });

  test.each([
    '',
    'EM',
    'EM-0000-0000-0000-0000',
    'XX-0000-0000-0000-0000-0',
    'EM-0000-0000-0000-0000-00',
    'EM-0000-0000-0000-000U-0',
    'EM-0000-0000-0000-000é-0',
  ])('%j is no tracking id', (text) => {
    expect(normaliseTrackingId(text)).toBeNull();
    expect(isTrackingId(text)).toBe(false);
  });

  test('is canonical only in the published form', () => {
    const id = makeTrackingId(new Uint8Array(TRACKING_ID_RANDOM_BYTES));
    expect(isTrackingId(id)).toBe(true);
    expect(isTrackingId(id.toLowerCase())).toBe(false);
  });

  test('any text gives null or a canonical id, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        const id = normaliseTrackingId(text);
        if (id !== null) expect(isTrackingId(id)).toBe(true);
      }),
      runs(),
    );
  });
});
