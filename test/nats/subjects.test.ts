import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ackSubject,
  decodeToken,
  dlqSubject,
  encodeToken,
  inboundTokens,
  inStreamName,
  inSubject,
  outSubject,
  SKU_BYTES_MAX,
  stateSubject,
  TOKEN_BYTES_MAX,
} from '../../adapters/nats/subjects.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const encodable = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((text) => text.isWellFormed() && bytesOf(text) <= TOKEN_BYTES_MAX);

describe('subject tokens', () => {
  it('keep letters, digits and dashes and escape every other byte', () => {
    expect(encodeToken('A.B 1')).toBe('A_2EB_201');
    expect(encodeToken('a_b')).toBe('a_5Fb');
    expect(encodeToken('Größe-42')).toBe('Gr_C3_B6_C3_9Fe-42');
    expect(encodeToken('*')).toBe('_2A');
    expect(encodeToken('>')).toBe('_3E');
  });

  it('come back as the text they were made of, and are safe in a subject', () => {
    fc.assert(
      fc.property(encodable, (text) => {
        const token = encodeToken(text);
        expect(token).toMatch(/^(?:[A-Za-z0-9-]|_[0-9A-F]{2})+$/);
        expect(decodeToken(token)).toBe(text);
      }),
    );
  });

  it('are different for different texts', () => {
    fc.assert(
      fc.property(encodable, encodable, (a, b) => {
        expect(encodeToken(a) === encodeToken(b)).toBe(a === b);
      }),
    );
  });

  it('have exactly one form: no other token decodes to the same text', () => {
    for (const token of ['_41', '_2e', '_2', '_', '', 'a b', '_FF', '_C3', '_2D', 'a.b', '*']) {
      expect(decodeToken(token), token).toBeNull();
    }
  });

  it('are bounded and never empty', () => {
    expect(() => encodeToken('')).toThrow(RangeError);
    expect(() => encodeToken('\ud800')).toThrow(RangeError);
    expect(encodeToken('x'.repeat(TOKEN_BYTES_MAX))).toHaveLength(TOKEN_BYTES_MAX);
    expect(() => encodeToken('x'.repeat(TOKEN_BYTES_MAX + 1))).toThrow(RangeError);
    expect(() => encodeToken('ä'.repeat(TOKEN_BYTES_MAX / 2 + 1))).toThrow(RangeError);
    expect(decodeToken('x'.repeat(TOKEN_BYTES_MAX + 1))).toBeNull();
  });
});

describe('subjects', () => {
  it('are built as the contract says', () => {
    expect(outSubject('w.1', 'pick-requested', 'BER', 'EM-1')).toBe('earmark.v1.out.w_2E1.pick-requested.BER.EM-1');
    expect(inSubject('sim', 'pick-started', 'm 1')).toBe('earmark.v1.in.sim.pick-started.m_201');
    expect(stateSubject('sim', 'BER', 'A.B 1')).toBe('earmark.v1.state.sim.BER.A_2EB_201');
    expect(ackSubject('sim', 'pick-started', 'm1')).toBe('earmark.v1.ack.sim.pick-started.m1');
    expect(inStreamName('w.1')).toBe('EARMARK_IN_w_2E1');
    expect(dlqSubject('EARMARK_IN_sim', 'sim', 'invalid')).toBe('earmark.v1.dlq.EARMARK_5FIN_5Fsim.sim.invalid');
  });

  it('give a SKU more room than an id', () => {
    const sku = 'S'.repeat(SKU_BYTES_MAX);
    expect(outSubject('sim', 'reserved-count-set', 'BER', sku)).toContain(sku);
    expect(() => outSubject('sim', 'pick-requested', 'BER', sku)).toThrow(RangeError);
  });

  it('are taken apart only where they are inbound', () => {
    expect(inboundTokens('earmark.v1.in.sim.pick-started.m1')).toEqual({
      wms: 'sim',
      event: 'pick-started',
      messageId: 'm1',
    });
    expect(inboundTokens('earmark.v1.in.sim.pick-started.m1.x')).toBeNull();
    expect(inboundTokens('earmark.v1.out.sim.pick-started.m1')).toBeNull();
    expect(inboundTokens('earmark.v1.in.sim')).toBeNull();
  });
});
