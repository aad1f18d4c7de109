import { expect, test } from 'vitest';
import { assertInvariant, BrokenInvariant, refuse, unsupported } from '../../src/domain/refusal.ts';

test('a refusal carries its numbers as text, and a retry only where one can help', () => {
  expect(refuse('NO_STOCK', 'none left', { sku: 'A', available: 0 })).toEqual({
    reason: 'NO_STOCK',
    message: 'none left',
    metadata: { sku: 'A', available: '0' },
  });
  expect(refuse('CONFLICT', 'try again', {}, 50)).toMatchObject({ retryAfterMs: 50, metadata: {} });
  expect(refuse('CONFLICT', 'try again', {}, 0)).toHaveProperty('retryAfterMs', 0);
});

test('what is not available yet is named', () => {
  expect(unsupported('lots')).toMatchObject({ reason: 'UNSUPPORTED', metadata: { feature: 'lots' } });
});

test('a broken invariant throws, a kept one does not', () => {
  expect(() => assertInvariant(false, 'sum differs')).toThrow(new BrokenInvariant('sum differs'));
  expect(() => assertInvariant(true, 'sum differs')).not.toThrow();
});
