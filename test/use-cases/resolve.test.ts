import { describe, expect, test } from 'vitest';
import { extendReservation, fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { aLevel, aReservation, HOUR_MS, T0 } from '../support/arbitraries.ts';
import { aWorkingSet, CALL, decidingOn, levelIn, saidBy } from '../support/deciding.ts';

const held = aReservation();
const KEY = { requestId: 'q', contentHash: new Uint8Array() };
const BY_ID = { by: 'reservation', id: 'r-1' } as const;

function workWith(onHand = 10) {
  return aWorkingSet({ reservations: [held], pools: [aLevel({ onHand, reserved: 1 })] });
}

describe('a target', () => {
  test.each([
    [{ by: 'reservation', id: 'r-1' }, 'RELEASED'],
    [{ by: 'tracking', id: held.trackingId }, 'RELEASED'],
    [{ by: 'exchange', id: 'x-1' }, 'RELEASED'],
    [{ by: 'reservation', id: 'r-9' }, 'UNKNOWN_RESERVATION'],
    [{ by: 'tracking', id: 't-9' }, 'UNKNOWN_RESERVATION'],
    // An exchange that never had a reservation has nothing to give back.
    [{ by: 'exchange', id: 'x-9' }, 'no reservation'],
  ] as const)('%o is released: %s', async (target, expected) => {
    const input = { ...KEY, target, etag: '', reason: 'CANCELLED' as const, note: '' };
    expect(saidBy(await releaseReservation({ unitOfWork: decidingOn(workWith()) }, input, CALL))).toBe(expected);
  });

  test.each([
    [{ by: 'exchange', id: 'x-1' }, 'FULFILLED'],
    [{ by: 'exchange', id: 'x-9' }, 'UNKNOWN_RESERVATION'],
  ] as const)('%o is fulfilled: %s', async (target, expected) => {
    const input = { ...KEY, target, lines: [], close: false };
    expect(saidBy(await fulfilReservation({ unitOfWork: decidingOn(workWith()) }, input, CALL))).toBe(expected);
  });
});

describe('an etag', () => {
  test.each([
    ['v1', 'RESERVED'],
    ['v9', 'ETAG_MISMATCH'],
  ])('%s: %s', async (etag, expected) => {
    const input = { ...KEY, target: BY_ID, etag, expireAt: held.expireAt + HOUR_MS };
    expect(saidBy(await extendReservation({ unitOfWork: decidingOn(workWith()) }, input, CALL))).toBe(expected);
  });
});

test('a second release is no conflict, whatever version the caller knows', async () => {
  const work = workWith();
  const input = { ...KEY, target: BY_ID, etag: 'v1', reason: 'CANCELLED' as const, note: '' };
  expect(saidBy(await releaseReservation({ unitOfWork: decidingOn(work) }, input, CALL))).toBe('RELEASED');
  expect(saidBy(await releaseReservation({ unitOfWork: decidingOn(work) }, input, CALL))).toBe('RELEASED');
  expect(work.transitions).toHaveLength(1);
});

test('what a count has taken away cannot be fulfilled, and nothing changes', async () => {
  const work = workWith(0);
  const outcome = await fulfilReservation(
    { unitOfWork: decidingOn(work) },
    { ...KEY, target: BY_ID, lines: [], close: false },
    CALL,
  );
  expect(outcome).toMatchObject({
    refusal: { reason: 'NO_STOCK', metadata: { sku: 'A', warehouse: 'W1', requested: '1', available: '0' } },
  });
  expect(levelIn(work)).toMatchObject({ onHand: 0, reserved: 1 });
  expect(work.transitions).toEqual([]);
});

test('the note stands beside the reason on the audit event', async () => {
  const work = workWith();
  const input = { ...KEY, target: BY_ID, etag: '', reason: 'MANUAL' as const, note: 'asked by phone' };
  await releaseReservation({ unitOfWork: decidingOn(work) }, input, CALL);
  expect(work.transitions[0]?.cause.reason).toBe('MANUAL: asked by phone');
  expect(work.transitions[0]?.next.resolvedAt).toBe(T0);
});
